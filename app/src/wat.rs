//! WebAssembly's text format, as far as showing it needs.

/// What a piece of a program is, by which it is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing to see.
    Space,
    /// `(` or `)`
    Paren,
    /// `module`, `func`, `f64` and the like.
    Keyword,
    /// `f64.mul`, `local.get`, `call`
    Instruction,
    /// `$compute`
    Name,
    /// `12`, `-0.5`, `inf`
    Number,
    /// `"compute"`
    Text,
    /// `;; to the line's end` or `(; up to here ;)`
    Comment,
}

impl Kind {
    /// The class of its elements; none for what is not coloured.
    pub const fn class(self) -> Option<&'static str> {
        match self {
            Self::Space => None,
            Self::Paren => Some("wat-paren"),
            Self::Keyword => Some("wat-keyword"),
            Self::Instruction => Some("wat-instruction"),
            Self::Name => Some("wat-name"),
            Self::Number => Some("wat-number"),
            Self::Text => Some("wat-text"),
            Self::Comment => Some("wat-comment"),
        }
    }
}

/// Instructions that have no dot in their names.
const PLAIN: [&str; 15] = [
    "block",
    "br",
    "br_if",
    "br_table",
    "call",
    "call_indirect",
    "drop",
    "else",
    "end",
    "if",
    "loop",
    "nop",
    "return",
    "select",
    "unreachable",
];

/// Takes a program apart. The pieces together are the program, whatever it is.
pub fn pieces(wat: &str) -> Vec<(Kind, &str)> {
    let mut pieces = Vec::new();
    let mut rest = wat;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = match first {
            _ if first.is_whitespace() => (Kind::Space, until(rest, |c| !c.is_whitespace())),
            '(' if rest.starts_with("(;") => (Kind::Comment, rest.find(";)").map_or(rest.len(), |end| end + 2)),
            '(' | ')' => (Kind::Paren, 1),
            ';' if rest.starts_with(";;") => (Kind::Comment, until(rest, |c| c == '\n')),
            '"' => (Kind::Text, text(rest)),
            _ => {
                let end = until(&rest[first.len_utf8()..], |c| c.is_whitespace() || "()\";".contains(c));
                let length = first.len_utf8() + end;
                (kind(&rest[..length]), length)
            }
        };
        let (piece, behind) = rest.split_at(length);
        pieces.push((kind, piece));
        rest = behind;
    }
    pieces
}

fn until(text: &str, end: impl Fn(char) -> bool) -> usize {
    text.find(end).unwrap_or(text.len())
}

/// Bytes of a text in quotes, or of all that is there if it does not end.
fn text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn kind(word: &str) -> Kind {
    let unsigned = word.trim_start_matches(['+', '-']);
    if word.starts_with('$') {
        Kind::Name
    } else if unsigned.starts_with(|c: char| c.is_ascii_digit()) || unsigned == "inf" || unsigned.starts_with("nan") {
        Kind::Number
    } else if word.contains('.') || PLAIN.contains(&word) {
        Kind::Instruction
    } else {
        Kind::Keyword
    }
}

/// The instructions of a program's `compute` in one line; of a text that has none, all of it.
pub fn one_line(wat: &str) -> String {
    let lines = wat.lines().skip_while(|line| !line.trim_start().starts_with("(func $compute")).skip(1);
    let mut body: Vec<&str> = Vec::new();
    for line in lines {
        body.push(line.trim().trim_end_matches(')'));
        if line.ends_with(')') {
            break;
        }
    }
    if body.is_empty() { wat.split_whitespace().collect::<Vec<_>>().join(" ") } else { body.join(" ") }
}

/// The parameters that a program's `compute` takes, in the order of their first use.
pub fn parameters(wat: &str) -> Vec<usize> {
    let line = one_line(wat);
    let mut used = Vec::new();
    let mut words = line.split_whitespace();
    while let Some(word) = words.next() {
        if word == "local.get"
            && let Some(place) = words.next().and_then(|place| place.parse().ok())
            && !used.contains(&place)
        {
            used.push(place);
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCT: &str = "(module\n  (func $compute (export \"compute\") (param f64 f64) (result f64)\n    local.get 1\n    local.get 0\n    f64.mul))";

    fn coloured(wat: &str) -> Vec<(Kind, &str)> {
        pieces(wat).into_iter().filter(|(kind, _)| *kind != Kind::Space).collect()
    }

    #[test]
    fn a_programs_pieces_have_their_kinds() {
        let expected = [
            (Kind::Paren, "("),
            (Kind::Keyword, "func"),
            (Kind::Name, "$compute"),
            (Kind::Paren, "("),
            (Kind::Keyword, "export"),
            (Kind::Text, "\"a\\\")\""),
            (Kind::Paren, ")"),
            (Kind::Paren, "("),
            (Kind::Keyword, "param"),
            (Kind::Keyword, "f64"),
            (Kind::Paren, ")"),
            (Kind::Comment, ";; why (1"),
            (Kind::Instruction, "local.get"),
            (Kind::Number, "0"),
            (Kind::Instruction, "f64.const"),
            (Kind::Number, "-1e-7"),
            (Kind::Comment, "(; f64.add ;)"),
            (Kind::Instruction, "call"),
            (Kind::Name, "$gcd"),
            (Kind::Paren, ")"),
        ];
        let wat = "(func $compute (export \"a\\\")\") (param f64) ;; why (1\n local.get 0 f64.const -1e-7 \
                   (; f64.add ;) call $gcd)";
        assert_eq!(coloured(wat), expected);
    }

    #[test]
    fn nothing_is_lost_whatever_the_text() {
        for wat in
            [PRODUCT, "", ";", "a;b", "\"open", "(; open", "é$ü)\"\\", "\u{a0}+\t)", "(;)", "-nan:0x1 <computed>"]
        {
            let together: String = pieces(wat).into_iter().map(|(_, piece)| piece).collect();
            assert_eq!(together, wat);
        }
    }

    #[test]
    fn a_line_for_a_program() {
        assert_eq!(one_line(PRODUCT), "local.get 1 local.get 0 f64.mul");
        let helped = PRODUCT.replace("f64.mul))", "call $power)\n  (func $power (param f64)\n    local.get 7))");
        assert_eq!(one_line(&helped), "local.get 1 local.get 0 call $power");
        assert_eq!(one_line("(module\n  )"), "(module )");
        assert_eq!(parameters(&helped), [1, 0]);
        assert!(parameters("local.get").is_empty());
    }
}
