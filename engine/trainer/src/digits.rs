//! How many answers to direct arithmetic are right, by the operands' number of digits, as a picture.

use std::collections::BTreeMap;
use std::path::Path;

use plotters::prelude::*;
use serde_json::Value;

use crate::direct::MOST_DIGITS;
use crate::{Error, Result};

/// Colours that are told apart by everyone (Okabe and Ito 2008).
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

/// For each number of digits how many questions there are, and how many answers are right.
pub type Counts = BTreeMap<u32, (usize, usize)>;

/// Counts lines of `wattage eval`'s answers whose category ends in the number of digits, such as `add 3`.
pub fn count(lines: &[Value]) -> Counts {
    let mut counts = Counts::new();
    for line in lines {
        let digits = line["category"].as_str().and_then(|category| category.rsplit_once(' ')?.1.parse().ok());
        let Some(digits) = digits else { continue };
        let (all, right) = counts.entry(digits).or_default();
        *all += 1;
        *right += usize::from(line["correct"] == true);
    }
    counts
}

/// Draws the shares of right answers of several ways to answer, each by its name, as an SVG.
///
/// # Errors
/// [`Error::Training`] where the picture cannot be written.
pub fn plot(ways: &[(String, Counts)], to: &Path) -> Result<()> {
    draw(ways, to).map_err(|why| Error::Training(format!("{}: {why}", to.display())))
}

fn draw(ways: &[(String, Counts)], to: &Path) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(to, (720, 360)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Direct arithmetic: right answers by the operands' digits", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(35)
        .y_label_area_size(50)
        .build_cartesian_2d(1.0..f64::from(MOST_DIGITS), 0.0..1.05)?;
    let digits = |x: &f64| format!("{x:.0}");
    let share = |y: &f64| format!("{:.0} %", 100.0 * y);
    chart
        .configure_mesh()
        .x_desc("digits of each operand")
        .x_labels(MOST_DIGITS as usize)
        .x_label_formatter(&digits)
        .y_label_formatter(&share)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for ((name, counts), colour) in ways.iter().zip(COLOURS.into_iter().cycle()) {
        let points: Vec<(f64, f64)> =
            counts.iter().map(|(digits, (all, right))| (f64::from(*digits), *right as f64 / *all as f64)).collect();
        let series = chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
        series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::MiddleRight).background_style(WHITE).draw()?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_counted_by_digits_and_drawn() {
        let line = |category: &str, correct: bool| json!({ "category": category, "correct": correct });
        let lines = [line("add 3", true), line("multiply 3", false), line("divide 12", true), line("story", true)];
        let counts = count(&lines);
        assert_eq!(counts, Counts::from([(3, (2, 1)), (12, (1, 1))]));
        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("digits.svg");
        plot(&[("with layers".into(), counts)], &picture).unwrap();
        let drawn = std::fs::read_to_string(&picture).unwrap();
        for wanted in ["<svg", "with layers", "<polyline", "<circle", "50 %"] {
            assert!(drawn.contains(wanted), "{wanted}");
        }
        assert!(plot(&[], &folder.path().join("none").join("digits.svg")).is_err());
    }
}
