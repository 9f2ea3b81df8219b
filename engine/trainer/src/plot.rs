//! A training run's metrics as a picture.

use std::collections::BTreeMap;
use std::path::Path;

use plotters::prelude::*;
use serde_json::Value;

use crate::{Error, Result};

type Line = Vec<(f64, f64)>;

/// Lines of metrics that one point of the loss is the mean of: single batches differ much.
const SMOOTH: usize = 10;

/// Draws `metrics.jsonl` as an SVG: above, what the held-out sets say, below, the layers' loss.
///
/// # Errors
/// [`Error::File`] where the metrics cannot be read, [`Error::Training`] where the picture cannot be written.
pub fn plot(metrics: &Path, to: &Path) -> Result<()> {
    let text = std::fs::read_to_string(metrics).map_err(|why| Error::file(metrics, why))?;
    let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let (held, loss) = (held_out(&lines), losses(&lines));
    draw(&held, &loss, to).map_err(|why| Error::Training(format!("the plot: {why}")))
}

/// For each set the mean of the layers' exact programs; for the first set also its gate, and the base's own answers.
fn held_out(lines: &[Value]) -> BTreeMap<String, Line> {
    let mut all: BTreeMap<String, Line> = BTreeMap::new();
    for line in lines {
        let (Some(step), Some(set)) = (line["step"].as_f64(), line["set"].as_str()) else { continue };
        let score = &line["held_out"];
        let layers: Vec<f64> = score["exact"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        let mean = layers.iter().sum::<f64>() / layers.len().max(1) as f64;
        all.entry(format!("{set}: programs")).or_default().push((step, mean));
        for (name, value) in [("gate", &score["gate"]), ("answers", &score["answers"])] {
            if let Some(value) = value.as_f64().filter(|_| set == "generated") {
                all.entry(format!("{set}: {name}")).or_default().push((step, value));
            }
        }
    }
    all
}

fn losses(lines: &[Value]) -> Line {
    let points: Line =
        lines.iter().filter_map(|line| Some((line["step"].as_f64()?, line["layers"].as_f64()?))).collect();
    let mean = |of: &[(f64, f64)], part: fn(&(f64, f64)) -> f64| of.iter().map(part).sum::<f64>() / of.len() as f64;
    points.chunks(SMOOTH).map(|of| (mean(of, |point| point.0), mean(of, |point| point.1))).collect()
}

fn draw(held: &BTreeMap<String, Line>, loss: &Line, to: &Path) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let last = held.values().flatten().chain(loss).map(|point| point.0).fold(1.0, f64::max);
    let root = SVGBackend::new(to, (900, 640)).into_drawing_area();
    root.fill(&WHITE)?;
    let (upper, lower) = root.split_vertically(400);
    let mut chart = ChartBuilder::on(&upper)
        .caption("Held out", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(45)
        .build_cartesian_2d(0.0..last, 0.0..1.0)?;
    chart.configure_mesh().x_desc("steps").y_desc("share").draw()?;
    for (at, (name, line)) in held.iter().enumerate() {
        let colour = Palette99::pick(at).to_rgba();
        let series = chart.draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)))?;
        series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::LowerRight).background_style(WHITE).draw()?;
    let most = loss.iter().map(|point| point.1).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(&lower)
        .caption("Loss of the layers' programs, a token", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(45)
        .build_cartesian_2d(0.0..last, 0.0..most)?;
    chart.configure_mesh().x_desc("steps").draw()?;
    chart.draw_series(LineSeries::new(loss.iter().copied(), BLUE.stroke_width(2)))?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_become_lines() {
        let folder = tempfile::tempdir().unwrap();
        let (metrics, picture) = (folder.path().join("metrics.jsonl"), folder.path().join("plot.svg"));
        let mut text = String::new();
        for step in 1..=20 {
            text.push_str(&format!("{{\"step\": {step}, \"layers\": {}}}\n", 4.0 / f64::from(step)));
        }
        text.push_str("{\"step\": 20, \"set\": \"generated\", \"held_out\": {\"exact\": [0.5, 0.7], \"gate\": 0.9, \"answers\": 0.8}}\n");
        std::fs::write(&metrics, text).unwrap();
        plot(&metrics, &picture).unwrap();
        let drawn = std::fs::read_to_string(&picture).unwrap();
        for wanted in ["<svg", "generated: programs", "generated: gate", "generated: answers", "<polyline"] {
            assert!(drawn.contains(wanted), "{wanted}");
        }
        assert!(plot(&folder.path().join("none"), &picture).is_err());
    }
}
