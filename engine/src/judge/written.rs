//! A program as an expression that a language model reads, in pieces that are put into tokens one by one.

use std::collections::HashMap;

use crate::wasm_layers::display;
use crate::wasm_layers::program::{Instruction, Op, Program};
use crate::{Error, Result, Tokenizer};

/// Ends an expression: as in the examples, an empty line.
pub(super) const END: &str = "\n\n";
/// In place of an expression: there is nothing to be computed.
pub(super) const NONE: &str = " none";
/// A bracket and the end behind it, where they are one token, as they are for Qwen.
const CLOSED: &str = ")\n\n";
/// All that expressions are made of, beside digits and names.
const PIECES: [&str; 16] = [END, CLOSED, NONE, " ", " (", "(", ")", ",", ".", " +", " -", "-", " *", " /", " **", " %"];
/// What is called, with what stands before its operands.
pub(super) const NAMES: [(&str, Op); 9] = [
    ("abs(", Op::Abs),
    ("round(", Op::Nearest),
    ("min(", Op::Min),
    ("max(", Op::Max),
    ("math.sqrt(", Op::Sqrt),
    ("math.floor(", Op::Floor),
    ("math.ceil(", Op::Ceil),
    ("math.factorial(", Op::Factorial),
    ("math.gcd(", Op::Gcd),
];

/// How tightly an expression binds, as Python has it.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binds {
    Sum,
    Product,
    Sign,
    Power,
    Whole,
}

/// An expression in Python's notation over the question's numbers, as a program's result is written: `(12 + 3) * 4`. None for
/// a program that has a number which the question lacks, or one with an exponent.
pub(super) fn written(program: &Program, numbers: &[f64]) -> Option<String> {
    let mut stack: Vec<(String, Binds)> = Vec::new();
    for instruction in program.instructions() {
        let next = match *instruction {
            Instruction::Local(k) => number(*numbers.get(usize::from(k))?)?,
            Instruction::Const(value) => number(value)?,
            Instruction::Op(op) if op.operands() == 1 => unary(op, stack.pop()?),
            Instruction::Op(op) => {
                let right = stack.pop()?;
                binary(op, stack.pop()?, right)
            }
        };
        stack.push(next);
    }
    stack.pop().map(|(text, _)| text)
}

fn number(value: f64) -> Option<(String, Binds)> {
    let text = display(value);
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    let binds = if value < 0.0 { Binds::Sign } else { Binds::Whole };
    plain.then_some((text, binds))
}

fn unary(op: Op, (text, binds): (String, Binds)) -> (String, Binds) {
    let call = |name: &str| (format!("{name}({text})"), Binds::Whole);
    match op {
        Op::Abs => call("abs"),
        Op::Nearest => call("round"),
        Op::Sqrt => call("math.sqrt"),
        Op::Floor => call("math.floor"),
        Op::Ceil => call("math.ceil"),
        Op::Factorial => call("math.factorial"),
        _ if binds < Binds::Power => (format!("-({text})"), Binds::Sign),
        _ => (format!("-{text}"), Binds::Sign),
    }
}

fn binary(op: Op, (left, left_binds): (String, Binds), (right, right_binds): (String, Binds)) -> (String, Binds) {
    let call = |name: &str| (format!("{name}({left}, {right})"), Binds::Whole);
    // The sign, how tightly it binds, and how tightly its operands have to.
    let (sign, binds, least_left, least_right) = match op {
        Op::Min => return call("min"),
        Op::Max => return call("max"),
        Op::Gcd => return call("math.gcd"),
        Op::Add => ("+", Binds::Sum, Binds::Sum, Binds::Product),
        Op::Sub => ("-", Binds::Sum, Binds::Sum, Binds::Product),
        Op::Mul => ("*", Binds::Product, Binds::Product, Binds::Sign),
        Op::Div => ("/", Binds::Product, Binds::Product, Binds::Sign),
        Op::Remainder => ("%", Binds::Product, Binds::Product, Binds::Sign),
        _ => ("**", Binds::Power, Binds::Whole, Binds::Power),
    };
    let side = |text: String, binds: Binds, least: Binds| if binds < least { format!("({text})") } else { text };
    let (left, right) = (side(left, left_binds, least_left), side(right, right_binds, least_right));
    (format!("{left} {sign} {right}"), binds)
}

/// The tokens that expressions are made of.
pub(super) struct Pieces {
    /// Each piece's tokens, longest piece first.
    pub(super) pieces: Vec<(String, Vec<usize>)>,
    /// All tokens there are.
    pub(super) tokens: Vec<u32>,
}

impl Pieces {
    /// # Errors
    /// [`Error::Unsupported`] for a tokenizer that has no tokens for a piece.
    pub(super) fn new(tokenizer: &Tokenizer) -> Result<Self> {
        let mut tokens = Vec::new();
        let mut places: HashMap<u32, usize> = HashMap::new();
        let mut pieces = Vec::new();
        let digits = (0..10).map(|digit| digit.to_string());
        let names = NAMES.iter().flat_map(|(name, _)| [(*name).to_owned(), format!(" {name}")]);
        for piece in PIECES.iter().map(ToString::to_string).chain(digits).chain(names) {
            let ids = tokenizer.encode(&piece, false)?;
            if ids.is_empty() {
                return Err(Error::Unsupported(format!("the tokenizer has nothing for {piece:?}")));
            }
            if piece == CLOSED && ids.len() > 1 {
                continue;
            }
            let mut place = |id: &u32| {
                *places.entry(*id).or_insert_with(|| {
                    tokens.push(*id);
                    tokens.len() - 1
                })
            };
            pieces.push((piece, ids.iter().map(&mut place).collect()));
        }
        pieces.sort_by_key(|(piece, _)| std::cmp::Reverse(piece.len()));
        Ok(Self { pieces, tokens })
    }

    /// An expression and its end as tokens, by their place in `tokens`; none for a text that is no expression.
    pub(super) fn places(&self, expression: &str) -> Option<Vec<usize>> {
        let text = format!(" {expression}{END}");
        let mut rest = text.as_str();
        let mut places = Vec::new();
        while !rest.is_empty() {
            let (piece, ids) = self.pieces.iter().find(|(piece, _)| rest.starts_with(piece.as_str()))?;
            places.extend(ids);
            rest = &rest[piece.len()..];
        }
        Some(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(text: &str) -> Program {
        let instructions = text.split(' ').map(|word| {
            let op = |op: &&Op| op.wat().ends_with(word);
            match (word.parse::<f64>(), word.trim_start_matches('n').parse::<u8>()) {
                (Ok(value), _) => Instruction::Const(value),
                (_, Ok(place)) => Instruction::Local(place),
                _ => Instruction::Op(*Op::ALL.iter().find(op).unwrap()),
            }
        });
        Program::new(instructions.collect(), 3).unwrap()
    }

    /// A vocabulary of bytes, and of what these merges make.
    fn tokenizer(merges: &[&str]) -> Tokenizer {
        let bytes = Tokenizer::of_bytes().unwrap().bpe_json().unwrap();
        let mut tokens: Vec<(u64, String)> =
            bytes["vocab"].as_object().unwrap().iter().map(|(text, id)| (id.as_u64().unwrap(), text.clone())).collect();
        tokens.sort();
        let made = merges.iter().map(|merge| merge.replace(' ', ""));
        let tokens: Vec<String> = tokens.into_iter().map(|(_, text)| text).chain(made).collect();
        let merges: Vec<String> = merges.iter().map(ToString::to_string).collect();
        Tokenizer::from_gguf(tokens.clone(), &vec![1; tokens.len()], &merges, "qwen2").unwrap()
    }

    #[test]
    fn an_expression_has_the_tokens_of_its_text() {
        // A bracket and the end behind it as three tokens, as two, and as one.
        for (merges, last) in [(&[][..], 3), (&["Ċ Ċ"], 2), (&["Ċ Ċ", ") ĊĊ"], 1)] {
            let tokenizer = tokenizer(merges);
            let pieces = Pieces::new(&tokenizer).unwrap();
            for expression in ["12 + 3", "4 * (12 + 3)", "max(1, 2)"] {
                let places = pieces.places(expression).unwrap();
                let tokens: Vec<u32> = places.into_iter().map(|place| pieces.tokens[place]).collect();
                let text = tokenizer.encode(&format!(" {expression}{END}"), false).unwrap();
                assert_eq!(tokens, text, "{expression} with {merges:?}");
            }
            assert_eq!(tokenizer.encode(CLOSED, false).unwrap().len(), last);
            // The voice goes by a piece's first tokens: as several of them, it could not tell this one from the bracket.
            assert_eq!(pieces.pieces.iter().any(|(piece, _)| piece == CLOSED), last == 1);
        }
    }

    #[test]
    fn programs_are_written_as_python_has_it() {
        let numbers = [12.0, 0.5, -3.0];
        for (from, to) in [
            ("n0 n1 add 4 mul", "(12 + 0.5) * 4"),
            ("n0 n1 4 mul add", "12 + 0.5 * 4"),
            ("n0 n1 sub 4 sub", "12 - 0.5 - 4"),
            ("n0 n1 4 sub sub", "12 - (0.5 - 4)"),
            ("n0 n1 4 div mul", "12 * (0.5 / 4)"),
            ("n0 n1 mul 4 div", "12 * 0.5 / 4"),
            ("n0 n1 add neg sqrt", "math.sqrt(-(12 + 0.5))"),
            ("n0 neg 2 $power", "(-12) ** 2"),
            ("n2 2 $power n2 mul", "(-3) ** 2 * -3"),
            ("2 n0 n1 $power $power", "2 ** 12 ** 0.5"),
            ("n0 n1 max n2 min", "min(max(12, 0.5), -3)"),
            ("n0 5 $remainder", "12 % 5"),
        ] {
            assert_eq!(written(&program(from), &numbers).as_deref(), Some(to), "{from}");
        }
        assert_eq!(written(&program("n0 n1 add"), &[1.0]), None, "a number that is not there");
        assert_eq!(written(&program("n0"), &[1e30]), None, "an exponent");
    }
}
