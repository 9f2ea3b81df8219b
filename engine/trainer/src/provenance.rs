//! How weights came to be: the runs behind a file.

use serde_json::Value;

/// The runs that weights come from, each once, the last ones first, by what the file that they began with tells.
pub(crate) fn before(start: Value) -> Vec<Value> {
    let mut runs = Vec::new();
    ancestors(start, &mut runs);
    runs
}

/// One that began with the mean of several comes from them all.
fn ancestors(mut start: Value, runs: &mut Vec<Value>) {
    let parts = match start["mean of"].take() {
        Value::Array(parts) => parts,
        _ => vec![start],
    };
    for mut run in parts {
        let earlier = [run["before"].take(), run["start"].take()];
        if let Some(run) = run.as_object_mut() {
            run.retain(|_, value| !value.is_null());
        }
        if !run.is_null() && !runs.contains(&run) {
            runs.push(run);
        }
        for earlier in earlier {
            match earlier {
                Value::Array(all) => all.into_iter().for_each(|run| ancestors(run, runs)),
                Value::Object(_) => ancestors(earlier, runs),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_is_told_once_however_many_means_it_is_in() {
        let run = |steps: u32, start: Value| json!({"steps": steps, "start": start});
        let first = run(1, Value::Null);
        let second = run(2, first.clone());
        let third = run(3, json!({"mean of": [first, second.clone()]}));
        let runs = before(json!({"mean of": [second, third]}));
        assert_eq!(runs, [2, 1, 3].map(|steps| json!({"steps": steps})));
        // A model that tells of them so already.
        let again = before(json!({"steps": 4, "before": runs.clone()}));
        assert_eq!(again.len(), 4);
        assert_eq!(again[1..], runs[..]);
    }
}
