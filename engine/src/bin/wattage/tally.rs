//! How many answers are right, from the lines that tell of each.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use wattage_engine::wasm_layers::near;
use wattage_engine::wasm_layers::numbers::bind;
use wattage_engine::{Voice, splice};

/// Correct means as near as this.
const MILLIONTH: f64 = 1e-6;
/// Deviations of a normal distribution that hold 95 % of it.
const WIDE: f64 = 1.959_964;

/// How many of what.
#[derive(Default)]
pub(crate) struct Tally {
    n: usize,
    asked: usize,
    correct: usize,
    chosen: usize,
    oracle: usize,
    oracle_beams: usize,
    skipped: usize,
    stated: usize,
    faithful: usize,
    computed: usize,
    gate: [usize; 4],
    per_layer: BTreeMap<String, usize>,
    operations: BTreeMap<String, BTreeMap<String, usize>>,
    compute_ms: f64,
    computations: usize,
    total_ms: f64,
    categories: BTreeMap<String, Tally>,
}

fn is_right(value: &Value, right: f64) -> bool {
    value.as_f64().is_some_and(|value| near(value, right, MILLIONTH))
}

/// Whether a line's question was answered rightly. Where no layers read it, it is the text that counts: the last number in its last
/// `\boxed{…}`, as models mark what they found, and without one the last number of all.
pub(crate) fn is_correct(line: &Value) -> bool {
    let computation = !line["numbers"].is_null();
    match (line["answer"].as_f64(), line["gate"].is_null()) {
        (None, _) => !computation,
        (Some(right), _) if computation => is_right(&line["computed"], right),
        (Some(right), true) => {
            let text = line["text"].as_str().unwrap_or_default();
            answer_in(text).is_some_and(|number| near(number, right, MILLIONTH))
        }
        (Some(_), false) => false,
    }
}

/// The number that a text without computed ones gives as its answer.
fn answer_in(text: &str) -> Option<f64> {
    const BOX: &str = "\\boxed{";
    let last = |text: &str| bind(text).numbers.last().map(|number| number.value);
    let boxed = text.rsplit_once(BOX).and_then(|(_, behind)| last(behind.split('}').next().unwrap_or_default()));
    boxed.or_else(|| last(text))
}

impl Tally {
    /// Lines that were added.
    pub(crate) fn n(&self) -> usize {
        self.n
    }

    /// Adds a line, as `ask` tells of an answer, with its question and the right answer.
    pub(crate) fn add(&mut self, line: &Value) {
        if let Some(category) = line["category"].as_str() {
            self.categories.entry(category.to_owned()).or_default().count(line);
        }
        self.count(line);
    }

    fn count(&mut self, line: &Value) {
        self.n += 1;
        self.total_ms += line["timings"]["total_ms"].as_f64().unwrap_or_default();
        let correct = is_correct(line);
        self.correct += usize::from(correct);
        if let Some(open) = line["gate"]["open"].as_bool() {
            let at = match (line["answer"].is_null(), open) {
                (false, true) => 0,
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
            };
            self.gate[at] += 1;
        }
        let Some(right) = line["answer"].as_f64() else { return };
        self.asked += 1;
        if line["numbers"].is_null() {
            return;
        }
        self.chosen += usize::from(correct);
        self.compute_ms += line["timings"]["compute_ms"].as_f64().unwrap_or_default();
        self.computations += 1;
        self.said(line);
        let (mut any, mut any_beam) = (false, false);
        let rows = || line["candidates"].as_array().into_iter().flatten();
        // The oracle is one over the layers; the text is one only where there are none.
        let layered = rows().any(|row| row["layer"].is_u64());
        for row in rows() {
            let own = || row["alternatives"].as_array().into_iter().flatten().chain([row]);
            any_beam |= own().any(|row| is_right(&row["result"], right));
            let Some(best) = own().find(|row| row["rank"] == 0) else { continue };
            let voice = row["layer"].as_u64().map_or_else(|| Voice::Text.to_string(), |layer| layer.to_string());
            let first = is_right(&best["result"], right);
            *self.per_layer.entry(voice.clone()).or_default() += usize::from(first);
            any |= first && (row["layer"].is_u64() || !layered);
            let op = best["op"].as_str().unwrap_or_default().to_owned();
            *self.operations.entry(voice).or_default().entry(op).or_default() += 1;
            self.skipped += usize::from(best["status"] == "skipped");
        }
        self.oracle += usize::from(any);
        self.oracle_beams += usize::from(any_beam);
    }

    /// What the final sentence has of numbers.
    fn said(&mut self, line: &Value) {
        let Some(value) = line["computed"].as_f64() else { return };
        self.computed += 1;
        let behind = line["text"].as_str().unwrap_or_default().rsplit(splice::VALUE.1).next().unwrap_or_default();
        let said = bind(behind).numbers;
        let is = |number: f64, other: f64| near(number.abs(), other.abs(), MILLIONTH);
        self.stated += usize::from(said.iter().any(|number| near(number.value, value, MILLIONTH)));
        // Nothing else is said than the question's numbers and the result; of percentages either form, and one of a unit.
        let asked = bind(line["question"].as_str().unwrap_or_default()).numbers;
        self.faithful += usize::from(said.iter().all(|number| {
            is(number.value, value)
                || is(number.value, 1.0)
                || asked.iter().any(|own| {
                    is(number.value, own.value)
                        || is(number.value, 100.0 * own.value)
                        || is(number.value * 100.0, own.value)
                })
        }));
    }

    /// All that was counted; shares have 95 % intervals where they are what is compared.
    pub(crate) fn report(&self, voices: &[Voice]) -> Value {
        let share = |count: usize, of: usize| if of == 0 { Value::Null } else { json!(count as f64 / of as f64) };
        let [true_pos, false_pos, true_neg, false_neg] = self.gate;
        let mut report = json!({
            "n": self.n,
            "correct": self.correct,
            "accuracy": share(self.correct, self.n),
            "interval": interval(self.correct, self.n),
            "mean_ms": self.total_ms / self.n.max(1) as f64,
        });
        if !voices.is_empty() {
            let each = |of: &dyn Fn(usize) -> Value| -> BTreeMap<String, Value> {
                let names = voices.iter().map(ToString::to_string);
                names
                    .map(|name| (of(self.per_layer.get(&name).copied().unwrap_or(0)), name))
                    .map(|(of, name)| (name, of))
                    .collect()
            };
            report["gate"] = json!({
                "true_pos": true_pos, "false_pos": false_pos, "true_neg": true_neg, "false_neg": false_neg,
                "accuracy": share(true_pos + true_neg, self.n),
            });
            report["asked"] = json!(self.asked);
            report["per_layer"] = json!(each(&|count| share(count, self.asked)));
            report["oracle"] = share(self.oracle, self.asked);
            report["oracle_beams"] = share(self.oracle_beams, self.asked);
            report["chosen"] = share(self.chosen, self.asked);
            report["intervals"] = json!({
                "per_layer": each(&|count| interval(count, self.asked)),
                "oracle": interval(self.oracle, self.asked),
                "oracle_beams": interval(self.oracle_beams, self.asked),
                "chosen": interval(self.chosen, self.asked),
            });
            report["skipped"] = json!(self.skipped);
            report["stated"] = share(self.stated, self.computed);
            report["faithful"] = share(self.faithful, self.computed);
            report["mean_compute_ms"] = json!(self.compute_ms / self.computations.max(1) as f64);
            report["operations"] = json!(self.operations);
        }
        if !self.categories.is_empty() {
            let part = |part: &Self| {
                let shares = voices.iter().map(ToString::to_string).map(|name| {
                    let right = part.per_layer.get(&name).copied().unwrap_or(0);
                    (name, share(right, part.asked))
                });
                json!({
                    "n": part.n, "accuracy": share(part.correct, part.n), "interval": interval(part.correct, part.n),
                    "per_layer": shares.collect::<BTreeMap<_, _>>(), "oracle": share(part.oracle, part.asked),
                    "chosen": share(part.chosen, part.asked),
                })
            };
            report["categories"] = self.categories.iter().map(|(name, of)| (name.clone(), part(of))).collect();
        }
        report
    }
}

/// Wilson's 95 % interval for a share (Wilson 1927).
fn interval(count: usize, of: usize) -> Value {
    if of == 0 {
        return Value::Null;
    }
    let (n, p) = (of as f64, count as f64 / of as f64);
    let middle = p + WIDE * WIDE / (2.0 * n);
    let half = WIDE * (p * (1.0 - p) / n + WIDE * WIDE / (4.0 * n * n)).sqrt();
    let scale = 1.0 + WIDE * WIDE / n;
    json!([((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(answer: Option<f64>, text: &str) -> Value {
        json!({ "question": "3 + 4?", "answer": answer, "text": text, "gate": null, "numbers": null,
                "timings": { "total_ms": 2.0 } })
    }

    #[test]
    fn without_layers_the_last_number_counts() {
        assert!(is_correct(&line(Some(7.0), "3 + 4 = 7.")));
        assert!(!is_correct(&line(Some(7.0), "It is 7, not 8.")));
        assert!(!is_correct(&line(Some(7.0), "I do not know.")));
        assert!(is_correct(&line(None, "Hello 5")));
        // What is marked as the answer goes before what is said behind it.
        assert!(is_correct(&line(
            Some(7.0),
            r"\[ 12 - 5 = \boxed{7} \] So \(\boxed{\text{7 cows}}\) are left after selling 5."
        )));
        assert!(!is_correct(&line(Some(7.0), r"It is \boxed{8}, and not 7.")));
        assert!(is_correct(&line(Some(7.0), r"\boxed{x}: that is 7")));
        // Layers that read it and kept still have not answered.
        let mut closed = line(Some(7.0), "7");
        closed["gate"] = json!({ "open": false });
        assert!(!is_correct(&closed));
    }

    #[test]
    fn layers_oracle_and_beams_are_counted_apart() {
        let row = |layer: u64, rank: u64, result: f64| json!({ "layer": layer, "rank": rank, "result": result, "op": "add", "status": "executed" });
        let mut first = line(Some(7.0), "<computed>7</computed> So 7 and 9.");
        first["gate"] = json!({ "open": true });
        (first["numbers"], first["computed"]) = (json!([]), json!(7.0));
        // The row of layer 7 is not its best, which is among its alternatives.
        let mut second = row(7, 1, 7.0);
        second["alternatives"] = json!([row(7, 0, 12.0)]);
        first["candidates"] = json!([row(3, 0, 1.0), second]);
        let mut tally = Tally::default();
        tally.add(&first);
        let report = tally.report(&[Voice::Layer(3), Voice::Layer(7)]);
        assert_eq!((&report["per_layer"], &report["oracle"]), (&json!({ "3": 0.0, "7": 0.0 }), &json!(0.0)));
        assert_eq!((&report["oracle_beams"], &report["chosen"]), (&json!(1.0), &json!(1.0)));
        assert_eq!((&report["stated"], &report["faithful"]), (&json!(1.0), &json!(0.0)));
        assert_eq!(report["gate"]["true_pos"], 1);
    }

    #[test]
    fn categories_are_counted_apart() {
        let mut tally = Tally::default();
        for (category, text) in [("add 1", "7"), ("add 1", "8"), ("add 2", "7")] {
            let mut line = line(Some(7.0), text);
            line["category"] = json!(category);
            tally.add(&line);
        }
        tally.add(&line(Some(7.0), "7"));
        let report = tally.report(&[]);
        let part =
            |name: &str| (report["categories"][name]["n"].clone(), report["categories"][name]["accuracy"].clone());
        assert_eq!((part("add 1"), part("add 2")), ((json!(2), json!(0.5)), (json!(1), json!(1.0))));
        assert_eq!((&report["n"], &report["accuracy"]), (&json!(4), &json!(0.75)));
    }

    #[test]
    fn intervals_are_wilsons() {
        let close = |found: Value, low: f64, high: f64| {
            let [a, b] = [0, 1].map(|at| found[at].as_f64().unwrap());
            assert!((a - low).abs() < 5e-4 && (b - high).abs() < 5e-4, "{a} {b}");
        };
        close(interval(81, 263), 0.2553, 0.3662);
        close(interval(0, 20), 0.0, 0.1611);
        close(interval(20, 20), 0.8389, 1.0);
        assert_eq!(interval(0, 0), Value::Null);
    }
}
