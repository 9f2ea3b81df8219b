//! The date for templates that put it into the prompt (`strftime_now`), in UTC.

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// 1 January 1970 was a Thursday.
const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

#[cfg(not(target_arch = "wasm32"))]
fn seconds_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

#[cfg(target_arch = "wasm32")]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since 1970")]
fn seconds_now() -> u64 {
    (js_sys::Date::now() / 1000.0) as u64
}

/// The present moment in `format`, a subset of C's `strftime`; the error names a directive that is not in it.
pub(super) fn format_now(format: &str) -> Result<String, String> {
    format_at(seconds_now(), format)
}

fn format_at(seconds: u64, format: &str) -> Result<String, String> {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let month_name = MONTHS[month - 1];
    let day_name = DAYS[usize::try_from(days % 7).unwrap_or(0)];
    let hour = second / 3600;
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(c) = characters.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match characters.next() {
            Some('Y') => text.push_str(&format!("{year:04}")),
            Some('y') => text.push_str(&format!("{:02}", year % 100)),
            Some('m') => text.push_str(&format!("{month:02}")),
            Some('d') => text.push_str(&format!("{day:02}")),
            Some('e') => text.push_str(&format!("{day:2}")),
            Some('B') => text.push_str(month_name),
            Some('b' | 'h') => text.push_str(&month_name[..3]),
            Some('A') => text.push_str(day_name),
            Some('a') => text.push_str(&day_name[..3]),
            Some('H') => text.push_str(&format!("{hour:02}")),
            Some('I') => text.push_str(&format!("{:02}", (hour + 11) % 12 + 1)),
            Some('p') => text.push_str(if hour < 12 { "AM" } else { "PM" }),
            Some('M') => text.push_str(&format!("{:02}", second / 60 % 60)),
            Some('S') => text.push_str(&format!("{:02}", second % 60)),
            Some('F') => text.push_str(&format!("{year:04}-{month:02}-{day:02}")),
            Some('T') => text.push_str(&format!("{hour:02}:{:02}:{:02}", second / 60 % 60, second % 60)),
            Some('%') => text.push('%'),
            Some(other) => return Err(format!("strftime_now does not know %{other}")),
            None => return Err("strftime_now was given a lone %".into()),
        }
    }
    Ok(text)
}

/// Year, month (1 to 12) and day (1 to 31) of the day that is `days` after 1 January 1970.
fn civil(mut days: u64) -> (u64, usize, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    // Whole Gregorian cycles of 400 years first: the rest takes few steps whatever the clock says.
    let mut year = 1970 + 400 * (days / 146_097);
    days %= 146_097;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    (year, month + 1, days + 1)
}

#[cfg(test)]
mod tests {
    use super::format_at;

    #[test]
    fn dates_are_the_calendars() {
        assert_eq!(format_at(0, "%A %d %B %Y %H:%M:%S").unwrap(), "Thursday 01 January 1970 00:00:00");
        assert_eq!(format_at(951_782_400, "%F %a").unwrap(), "2000-02-29 Tue");
        assert_eq!(format_at(1_735_689_599, "%b %e %y %I %p").unwrap(), "Dec 31 24 11 PM");
        assert!(format_at(0, "%Q").is_err());
    }
}
