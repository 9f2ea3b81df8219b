//! Numbers as people read them.

use crate::language::{t, told};

/// A number with so many decimals.
pub fn decimal(number: impl Into<f64>, places: usize) -> String {
    // To a catalogue the decimal point is a text like others.
    format!("{:.places$}", number.into()).replace('.', t("."))
}

/// A number of bytes, in decimal units as file managers show them.
pub fn bytes(count: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "for display")]
    let count = count as f64;
    match count {
        _ if count >= 1e9 => format!("{} GB", decimal(count / 1e9, 2)),
        _ if count >= 1e6 => format!("{:.0} MB", count / 1e6),
        _ if count >= 1e3 => format!("{:.0} kB", count / 1e3),
        _ => told!("{} bytes", count),
    }
}

/// A count, with thousands parted by narrow spaces.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A number of parameters: `494 M`, `1.5 B`.
pub fn parameters(number: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "for display")]
    let number = number as f64;
    match number {
        _ if number >= 1e9 => told!("{} B", decimal(number / 1e9, 1)),
        _ if number >= 1e7 => told!("{} M", decimal(number / 1e6, 0)),
        _ if number >= 1e6 => told!("{} M", decimal(number / 1e6, 1)),
        _ => told!("{} k", decimal(number / 1e3, 0)),
    }
}

/// A speed in tokens a second.
pub fn speed(tokens_per_second: f64) -> String {
    told!("{} tokens/s", decimal(tokens_per_second, usize::from(tokens_per_second < 100.0)))
}

/// An error's text as a sentence of its own.
pub fn sentence(text: &str) -> String {
    let mut letters = text.trim().chars();
    let mut sentence: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    sentence.push_str(letters.as_str());
    if !sentence.ends_with(['.', '!', '?', ')']) {
        sentence.push('.');
    }
    sentence
}

/// A short time, from microseconds.
pub fn micros(micros: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "for display")]
    let time = micros as f64;
    match micros {
        0..=999 => format!("{micros} µs"),
        1000..=9_999 => format!("{} ms", decimal(time / 1e3, 1)),
        10_000..=999_999 => format!("{:.0} ms", time / 1e3),
        _ => format!("{} s", decimal(time / 1e6, 1)),
    }
}

/// What a model's file says of its making, as names and values: what is nested gets its place for a name.
pub fn provenance(value: &serde_json::Value) -> Vec<(String, String)> {
    use serde_json::Value;
    fn collect(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
        let inner = |part: &str| {
            if name.is_empty() { part.replace('_', " ") } else { format!("{name}, {}", part.replace('_', " ")) }
        };
        match value {
            Value::Null => {}
            Value::Object(parts) => parts.iter().for_each(|(part, value)| collect(&inner(part), value, found)),
            Value::Array(values) if values.iter().any(|value| value.is_object() || value.is_array()) => {
                (1_usize..).zip(values).for_each(|(place, value)| collect(&inner(&place.to_string()), value, found));
            }
            Value::Array(values) => {
                let values: Vec<String> = values.iter().map(plain).collect();
                found.push((name.to_owned(), values.join(", ")));
            }
            other => found.push((name.to_owned(), plain(other))),
        }
    }
    fn plain(value: &Value) -> String {
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }
    let mut found = Vec::new();
    collect("", value, &mut found);
    found
}

/// A time to wait.
pub fn duration(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let seconds = seconds.ceil().clamp(1.0, 359_999.0) as u32;
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_gets_its_place_for_a_name() {
        let value = serde_json::json!({ "seed": 7, "layer_accuracy": { "test": [0.5, 1] }, "data": [{ "name": "a" }], "x": null });
        let mut found = provenance(&value);
        found.sort();
        let expected = [("data, 1, name", "a"), ("layer accuracy, test", "0.5, 1"), ("seed", "7")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(bytes(491_400_032), "491 MB");
        assert_eq!(bytes(1_610_000_000), "1.61 GB");
        assert_eq!(bytes(12), "12 bytes");
        assert_eq!(count(151_936), "151\u{202f}936");
        assert_eq!(count(12), "12");
        assert_eq!(parameters(494_032_768), "494 M");
        assert_eq!(parameters(3_210_000), "3.2 M");
        assert_eq!(speed(18.42), "18.4 tokens/s");
        assert_eq!(sentence("éa: b"), "Éa: b.");
        assert_eq!(sentence("It is."), "It is.");
        assert_eq!(
            [micros(12), micros(1234), micros(41_200), micros(2_500_000)],
            ["12 µs", "1.2 ms", "41 ms", "2.5 s"]
        );
        assert_eq!(duration(0.2), "1 s");
        assert_eq!(duration(75.0), "1 min 15 s");
        assert_eq!(duration(4000.0), "1 h 06 min");
    }
}
