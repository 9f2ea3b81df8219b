//! Arithmetic as people and data sets write it: a formula's text, read into a tree.

use wattage_engine::wasm_layers::program::Op;

/// Deepest nesting that is read: what data sets hold stays far below, and hostile text must not exhaust the stack.
const DEEPEST: usize = 48;

/// A formula.
#[derive(Debug, Clone, PartialEq)]
pub enum Formula {
    /// A number as it stands.
    Literal(f64),
    /// A letter or a word: an unknown, a slot of a grammar rule, a named constant.
    Name(String),
    /// An operation on one operand.
    Unary(Op, Box<Self>),
    /// An operation on two.
    Binary(Op, Box<Self>, Box<Self>),
    /// A function of any number of arguments.
    Call(Function, Vec<Self>),
}

/// A function of any number of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// All added.
    Sum,
    /// All multiplied.
    Product,
    /// The arithmetic mean.
    Mean,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The largest less the smallest.
    Range,
    /// The middle one of three.
    Median,
    /// Greatest common divisor.
    Gcd,
    /// Least common multiple of two.
    Lcm,
    /// Remainder of the first by the second.
    Mod,
}

impl Formula {
    /// Reads `+ - * / ^ ** !`, a percent sign after a number, parentheses, functions, names and numbers, with the usual precedence.
    /// `None` where the text is no formula.
    pub fn read(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text.trim(), depth: 0 };
        let formula = reader.sum()?;
        reader.rest.is_empty().then_some(formula)
    }

    /// An operation on two operands.
    pub fn binary(op: Op, left: Self, right: Self) -> Self {
        Self::Binary(op, Box::new(left), Box::new(right))
    }

    /// Whether this name occurs in it, and how often.
    pub fn count(&self, name: &str) -> usize {
        match self {
            Self::Literal(_) => 0,
            Self::Name(own) => usize::from(own == name),
            Self::Unary(_, of) => of.count(name),
            Self::Binary(_, left, right) => left.count(name) + right.count(name),
            Self::Call(_, arguments) => arguments.iter().map(|argument| argument.count(name)).sum(),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Takes the word or sign if it is next, and the space after it.
    fn take(&mut self, sign: &str) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        taken
    }

    fn sum(&mut self) -> Option<Formula> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut left = self.product()?;
        loop {
            let op = if self.take("+") {
                Op::Add
            } else if self.take("-") {
                Op::Sub
            } else {
                break;
            };
            left = Formula::binary(op, left, self.product()?);
        }
        self.depth -= 1;
        Some(left)
    }

    fn product(&mut self) -> Option<Formula> {
        let mut left = self.signed()?;
        loop {
            let op = if self.take("*") {
                Op::Mul
            } else if self.take("/") {
                Op::Div
            } else if self.rest.starts_with('(') {
                // 2(3+4)
                Op::Mul
            } else {
                break;
            };
            left = Formula::binary(op, left, self.signed()?);
        }
        Some(left)
    }

    fn signed(&mut self) -> Option<Formula> {
        let mut negative = false;
        loop {
            if self.take("-") {
                negative = !negative;
            } else if !self.take("+") {
                break;
            }
        }
        let formula = self.power()?;
        Some(match (negative, formula) {
            (false, formula) => formula,
            (true, Formula::Literal(value)) => Formula::Literal(-value),
            (true, formula) => Formula::Unary(Op::Neg, Box::new(formula)),
        })
    }

    fn power(&mut self) -> Option<Formula> {
        let mut base = self.atom()?;
        loop {
            if self.take("!") {
                base = Formula::Unary(Op::Factorial, Box::new(base));
            } else if self.take("%") {
                base = Formula::binary(Op::Div, base, Formula::Literal(100.0));
            } else {
                break;
            }
        }
        if self.take("^") || self.take("**") {
            // To the right first: 2^3^2 is 2^9.
            self.depth += 1;
            let exponent = if self.depth > DEEPEST { None } else { self.signed() };
            self.depth -= 1;
            return Some(Formula::binary(Op::Power, base, exponent?));
        }
        Some(base)
    }

    fn atom(&mut self) -> Option<Formula> {
        if self.take("(") {
            let inner = self.sum()?;
            return self.take(")").then_some(inner);
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            let digits = self.take_while(|c| c.is_ascii_digit() || c == '.');
            return digits.parse().ok().map(Formula::Literal);
        }
        let name = self.take_while(|c| c.is_ascii_alphabetic());
        if name.is_empty() {
            return None;
        }
        if !self.take("(") {
            return Some(Formula::Name(name.to_owned()));
        }
        let mut arguments = vec![self.sum()?];
        while self.take(",") {
            arguments.push(self.sum()?);
        }
        if !self.take(")") {
            return None;
        }
        call(name, arguments)
    }
}

fn call(name: &str, mut arguments: Vec<Formula>) -> Option<Formula> {
    let unary = match name {
        "sqrt" => Some(Op::Sqrt),
        "abs" => Some(Op::Abs),
        "floor" => Some(Op::Floor),
        "ceil" => Some(Op::Ceil),
        "nearest" => Some(Op::Nearest),
        _ => None,
    };
    if let Some(op) = unary {
        let of = arguments.pop()?;
        return arguments.is_empty().then(|| Formula::Unary(op, Box::new(of)));
    }
    let function = match name {
        "sum" => Function::Sum,
        "product" => Function::Product,
        "mean" => Function::Mean,
        "min" => Function::Min,
        "max" => Function::Max,
        "range" => Function::Range,
        "median" => Function::Median,
        "gcd" => Function::Gcd,
        "lcm" => Function::Lcm,
        "mod" => Function::Mod,
        _ => return None,
    };
    Some(Formula::Call(function, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(value: f64) -> Formula {
        Formula::Literal(value)
    }

    #[test]
    fn precedence_and_order() {
        let product = Formula::binary(Op::Mul, literal(3.0), literal(4.0));
        assert_eq!(Formula::read("2 + 3*4"), Some(Formula::binary(Op::Add, literal(2.0), product)));
        let difference = Formula::binary(Op::Sub, literal(9.0), literal(4.0));
        assert_eq!(Formula::read("9-4-1"), Some(Formula::binary(Op::Sub, difference, literal(1.0))));
        let tower = Formula::binary(Op::Power, literal(3.0), literal(2.0));
        assert_eq!(Formula::read("2^3**2"), Some(Formula::binary(Op::Power, literal(2.0), tower)));
        let sum = Formula::binary(Op::Add, literal(3.0), literal(4.0));
        assert_eq!(Formula::read("2(3+4)"), Some(Formula::binary(Op::Mul, literal(2.0), sum)));
    }

    #[test]
    fn signs_percents_and_functions() {
        let percent = Formula::binary(Op::Div, literal(20.0), literal(100.0));
        assert_eq!(Formula::read("20%"), Some(percent));
        assert_eq!(Formula::read("-a"), Some(Formula::Unary(Op::Neg, Box::new(Formula::Name("a".into())))));
        assert_eq!(Formula::read("-2"), Some(literal(-2.0)));
        assert_eq!(Formula::read("max(1, a)").map(|formula| formula.count("a")), Some(1));
        assert_eq!(Formula::read("sqrt(1, 2)"), None);
    }

    #[test]
    fn what_is_no_formula() {
        for text in ["", "2+", "(2", "2)", "2 3", "what(2)", "1.2.3", "=2"] {
            assert_eq!(Formula::read(text), None, "{text}");
        }
        assert_eq!(Formula::read(&"(".repeat(100_000)), None);
        assert_eq!(Formula::read(&"2^".repeat(100_000)), None);
    }
}
