//! The `tojson` filter as chat templates know it from Python: plain JSON, not the HTML-safe kind.

use minijinja::value::{Kwargs, Value};

/// Like Python's `json.dumps(value, ensure_ascii=False)`.
pub(super) fn tojson(value: &Value, indent: Option<Value>, args: Kwargs) -> Result<Value, minijinja::Error> {
    let json = minijinja::filters::tojson(value, indent, args)?;
    let text = json.as_str().unwrap_or_default();
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    // Escapes are read one by one: in `\\u003c` the backslash is itself escaped and nothing is to be changed.
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let escape = &rest[at..];
        let html = [("\\u003c", '<'), ("\\u003e", '>'), ("\\u0026", '&'), ("\\u0027", '\'')];
        if let Some((code, character)) = html.iter().find(|(code, _)| escape.starts_with(code)) {
            plain.push(*character);
            rest = &escape[code.len()..];
        } else {
            let len = 1 + escape[1..].chars().next().map_or(0, char::len_utf8);
            plain.push_str(&escape[..len]);
            rest = &escape[len..];
        }
    }
    plain.push_str(rest);
    Ok(Value::from(plain))
}
