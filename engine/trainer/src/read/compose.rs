//! From the numbers of a solution to the numbers of its question: a program whose value is the solution's.
//!
//! A solution is a list of formulas over plain numbers. Each of those numbers is one of the question's, the result of a
//! formula before, or a constant; where there is a choice, the first that leads to a program is taken.

use wattage_engine::wasm_layers::near;
use wattage_engine::wasm_layers::program::{Instruction, MOST_NUMBERS, Op, Program};

use crate::constants;
use crate::evaluate::{close, evaluate};
use crate::expression::Expression;
use crate::formula::Formula;
use crate::numbers::bound_values;

/// How many assignments are tried for one solution.
const TRIES: usize = 600;
/// Largest tree that is put together, in nodes; no program of the layers is longer.
const LARGEST: usize = 80;

/// One formula of a solution, and the value that the solution gives for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The formula.
    pub formula: Formula,
    /// Its value in the solution, which may be rounded.
    pub value: f64,
}

/// A program over the question's numbers that takes the solution's steps and computes its answer.
pub fn compose(question: &str, steps: &[Step], answer: f64) -> Option<Program> {
    compose_over(&bound_values(question), None, steps, answer)
}

/// The same over numbers that are known, with the value computed before, which formulas call `prev`.
pub fn compose_over(numbers: &[f64], previous: Option<f64>, steps: &[Step], answer: f64) -> Option<Program> {
    let all: Vec<f64> = numbers.iter().copied().chain(previous).collect();
    if numbers.len() > MOST_NUMBERS {
        return None;
    }
    let last = steps.iter().rposition(|step| close(step.value, answer))?;
    let steps = &steps[..=last];
    // Which of its possible meanings each number of the solution has, as far as they are fixed.
    let mut choices: Vec<usize> = Vec::new();
    for _ in 0..TRIES {
        let mut search = Search { numbers, choices: &choices, options: Vec::new(), used: vec![false; numbers.len()] };
        if let Some(expression) = search.steps(steps) {
            let program = expression.simplified().canonical().program(all.len());
            if let Some(program) = program.filter(|program| fits(program, &all, answer)) {
                return Some(program);
            }
        }
        // The last choice that has another meaning left is changed next.
        let options = search.options;
        choices.resize(options.len(), 0);
        while choices.last().is_some_and(|choice| choice + 1 >= options[choices.len() - 1]) {
            choices.pop();
        }
        *choices.last_mut()? += 1;
    }
    None
}

fn fits(program: &Program, numbers: &[f64], answer: f64) -> bool {
    let known = program.instructions().iter().all(|instruction| match instruction {
        Instruction::Const(value) => constants::is_known(*value),
        _ => true,
    });
    known && evaluate(program, numbers).is_some_and(|value| close(value, answer))
}

/// A step that was put together.
struct Done {
    value: f64,
    expression: Expression,
    used: bool,
}

struct Search<'a> {
    numbers: &'a [f64],
    choices: &'a [usize],
    /// How many meanings each number of the solution had, in the order in which they were met.
    options: Vec<usize>,
    /// Which of the question's numbers were used.
    used: Vec<bool>,
}

impl Search<'_> {
    fn steps(&mut self, steps: &[Step]) -> Option<Expression> {
        let mut done: Vec<Done> = Vec::new();
        for step in steps {
            let expression = self.formula(&step.formula, &mut done)?;
            let expression = rounded(&step.formula, step.value, expression);
            if expression.size(LARGEST) > LARGEST {
                return None;
            }
            done.push(Done { value: step.value, expression, used: false });
        }
        done.pop().map(|done| done.expression)
    }

    fn formula(&mut self, formula: &Formula, done: &mut [Done]) -> Option<Expression> {
        match formula {
            Formula::Literal(value) => self.number(*value, done),
            Formula::Unary(op, of) => Some(Expression::unary(*op, self.formula(of, done)?)),
            Formula::Binary(op, left, right) => {
                // A fraction, a percent or dozens can be one number of the question: 2/3, 20/100, 13*12.
                if let (Formula::Literal(a), Formula::Literal(b)) = (left.as_ref(), right.as_ref()) {
                    let whole = match op {
                        Op::Div if (a / b).fract() != 0.0 => self.whole(a / b, *a, *b),
                        Op::Mul => self.whole(a * b, *a, *b),
                        _ => None,
                    };
                    if whole.is_some() {
                        return whole;
                    }
                }
                if let Some((of, a, b)) = part(formula) {
                    let fraction = (a / b).fract() != 0.0;
                    if let Some(k) = fraction.then(|| self.whole(a / b, a, b)).flatten() {
                        return Some(Expression::binary(Op::Mul, self.formula(of, done)?, k));
                    }
                }
                let left = self.formula(left, done)?;
                Some(Expression::binary(*op, left, self.formula(right, done)?))
            }
            Formula::Call(function, arguments) => {
                let all: Option<Vec<Expression>> =
                    arguments.iter().map(|argument| self.formula(argument, done)).collect();
                Expression::call(*function, all?)
            }
            Formula::Name(name) if name == "prev" => index(self.numbers.len()).map(Expression::Number),
            Formula::Name(_) => None,
        }
    }

    /// The question's number that two others make together, if those are not its numbers themselves.
    fn whole(&mut self, value: f64, a: f64, b: f64) -> Option<Expression> {
        let bound = |value: f64| self.numbers.iter().any(|number| same(*number, value));
        if bound(a) && bound(b) {
            return None;
        }
        let k = self.find(value, false).or_else(|| self.find(value, true))?;
        self.used[k] = true;
        index(k).map(Expression::Number)
    }

    /// The first of the question's numbers with this value, among those that were used or not.
    fn find(&self, value: f64, used: bool) -> Option<usize> {
        (0..self.numbers.len()).find(|k| self.used[*k] == used && same(self.numbers[*k], value))
    }

    /// A meaning of one number of the solution: the one that the choices fix, or else the likeliest.
    fn number(&mut self, value: f64, done: &mut [Done]) -> Option<Expression> {
        enum Meaning {
            Step(usize),
            Number(usize),
            Percent(usize),
            Inverse(usize),
            Negative(usize),
            Constant,
            /// One divided by this constant.
            InverseConstant(f64),
        }
        let mut meanings = Vec::new();
        let steps = |used: bool| {
            let of = move |step: &Done| step.used == used && same(step.value, value);
            done.iter().enumerate().rev().filter(move |(_, step)| of(step)).map(|(k, _)| Meaning::Step(k))
        };
        let (all, taken) = (self.numbers, self.used.clone());
        let numbers = |wanted: f64, used: bool| -> Vec<usize> {
            (0..all.len()).filter(|k| taken[*k] == used && same(all[*k], wanted)).collect()
        };
        meanings.extend(steps(false));
        meanings.extend(numbers(value, false).into_iter().map(Meaning::Number));
        // Twenty of 20 %, two of a half.
        meanings.extend(numbers(value / 100.0, false).into_iter().map(Meaning::Percent));
        if value > 1.0 {
            meanings.extend(numbers(1.0 / value, false).into_iter().map(Meaning::Inverse));
        }
        if value < 0.0 {
            meanings.extend(numbers(-value, false).into_iter().map(Meaning::Negative));
        }
        meanings.extend(steps(true));
        meanings.extend(numbers(value, true).into_iter().map(Meaning::Number));
        if constants::is_known(value) {
            meanings.push(Meaning::Constant);
        } else if let Some(inverse) = constants::CONSTANTS.into_iter().find(|constant| same(1.0 / constant, value)) {
            meanings.push(Meaning::InverseConstant(inverse));
        }
        meanings.extend(numbers(value / 100.0, true).into_iter().map(Meaning::Percent));
        if value > 1.0 {
            meanings.extend(numbers(1.0 / value, true).into_iter().map(Meaning::Inverse));
        }
        let choice = self.choices.get(self.options.len()).copied().unwrap_or(0);
        self.options.push(meanings.len());
        let number = |k: usize, used: &mut Vec<bool>| {
            used[k] = true;
            index(k).map(Expression::Number)
        };
        Some(match meanings.get(choice)? {
            Meaning::Step(k) => {
                done[*k].used = true;
                done[*k].expression.clone()
            }
            Meaning::Number(k) => number(*k, &mut self.used)?,
            Meaning::Percent(k) => {
                Expression::binary(Op::Mul, number(*k, &mut self.used)?, Expression::Constant(100.0))
            }
            Meaning::Inverse(k) => Expression::binary(Op::Div, Expression::Constant(1.0), number(*k, &mut self.used)?),
            Meaning::Negative(k) => Expression::unary(Op::Neg, number(*k, &mut self.used)?),
            Meaning::Constant => Expression::Constant(value),
            Meaning::InverseConstant(constant) => {
                Expression::binary(Op::Div, Expression::Constant(1.0), Expression::Constant(*constant))
            }
        })
    }
}

/// What a formula takes a part of, and the part as a quotient: `x*2/3`, `2*x/3`, `x/3*2`.
fn part(formula: &Formula) -> Option<(&Formula, f64, f64)> {
    let Formula::Binary(outer, left, right) = formula else { return None };
    let (Formula::Binary(inner, a, b), Formula::Literal(last)) = (left.as_ref(), right.as_ref()) else { return None };
    match (outer, inner, a.as_ref(), b.as_ref()) {
        (Op::Div, Op::Mul, of, Formula::Literal(times)) | (Op::Div, Op::Mul, Formula::Literal(times), of) => {
            Some((of, *times, *last))
        }
        (Op::Mul, Op::Div, of, Formula::Literal(by)) => Some((of, *last, *by)),
        _ => None,
    }
}

/// The expression, rounded up or down where the solution did so.
fn rounded(formula: &Formula, value: f64, expression: Expression) -> Expression {
    let exact = Expression::from_formula(formula, &|_| Vec::new())
        .and_then(|tree| tree.program(0))
        .and_then(|program| evaluate(&program, &[]));
    match exact {
        Some(exact) if !close(exact, value) && value == exact.floor() => Expression::unary(Op::Floor, expression),
        Some(exact) if !close(exact, value) && value == exact.ceil() => Expression::unary(Op::Ceil, expression),
        _ => expression,
    }
}

fn same(a: f64, b: f64) -> bool {
    near(a, b, 1e-9)
}

fn index(k: usize) -> Option<u8> {
    u8::try_from(k).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(numbers: &[f64], steps: &[(&str, f64)], answer: f64) -> Option<String> {
        let steps: Vec<Step> = steps
            .iter()
            .map(|(formula, value)| Step { formula: Formula::read(formula).unwrap(), value: *value })
            .collect();
        let program = compose_over(numbers, None, &steps, answer)?;
        let words: Vec<String> = program.instructions().iter().map(ToString::to_string).collect();
        Some(words.join(" ").replace("local.get ", "").replace("f64.const ", "c").replace("f64.", ""))
    }

    #[test]
    fn steps_become_one_program() {
        let steps = [("3*4", 12.0), ("12-5", 7.0)];
        assert_eq!(composed(&[3.0, 4.0, 5.0], &steps, 7.0).unwrap(), "0 1 mul 2 sub");
        // A step's result goes before a number of the question with the same value.
        assert_eq!(composed(&[12.0, 3.0, 4.0, 5.0], &steps, 7.0).unwrap(), "1 2 mul 3 sub");
    }

    #[test]
    fn repeated_numbers_are_used_in_their_order() {
        assert_eq!(composed(&[6.0, 2.0, 6.0], &[("6+6", 12.0)], 12.0).unwrap(), "0 2 add");
        assert_eq!(composed(&[6.0], &[("6+6", 12.0)], 12.0).unwrap(), "0 0 add");
    }

    #[test]
    fn percents_fractions_and_constants() {
        assert_eq!(composed(&[50.0, 0.2], &[("50*20/100", 10.0)], 10.0).unwrap(), "0 1 mul");
        assert_eq!(composed(&[50.0, 0.2], &[("50*.2", 10.0)], 10.0).unwrap(), "0 1 mul");
        assert_eq!(composed(&[50.0, 0.2], &[("20/100*50", 10.0)], 10.0).unwrap(), "0 1 mul");
        assert_eq!(composed(&[50.0, 0.2], &[("100-20", 80.0), ("50*80/100", 40.0)], 40.0).unwrap(), "0 c1 1 sub mul");
        assert_eq!(composed(&[48.0, 0.5], &[("48/2", 24.0)], 24.0).unwrap(), "0 1 mul");
        assert_eq!(composed(&[60.0, 2.0 / 3.0], &[("60*2/3", 40.0)], 40.0).unwrap(), "0 1 mul");
        assert_eq!(composed(&[60.0, 0.75], &[("60/4*3", 45.0)], 45.0).unwrap(), "0 1 mul");
        assert_eq!(composed(&[60.0, 2.0, 3.0], &[("60*2/3", 40.0)], 40.0).unwrap(), "0 1 mul 2 div");
        assert_eq!(composed(&[60.0, 2.0 / 3.0], &[("2/3*60", 40.0)], 40.0).unwrap(), "0 1 mul");
        assert_eq!(composed(&[7.0], &[("7*0.01", 0.07)], 0.07).unwrap(), "0 c100 div");
        assert_eq!(composed(&[12.0, 3.0], &[("-12+3", -9.0)], -9.0).unwrap(), "0 neg 1 add");
        assert_eq!(composed(&[156.0, 6.0], &[("13*12", 156.0), ("156/6", 26.0)], 26.0).unwrap(), "0 1 div");
        assert_eq!(composed(&[5.0], &[("5*60", 300.0)], 300.0).unwrap(), "0 c60 mul");
    }

    #[test]
    fn rounded_results() {
        assert_eq!(composed(&[10.0, 4.0], &[("10/4", 3.0)], 3.0).unwrap(), "0 1 div ceil");
        assert_eq!(composed(&[10.0, 4.0], &[("10/4", 2.0)], 2.0).unwrap(), "0 1 div floor");
    }

    #[test]
    fn what_has_no_program() {
        // 41 is neither in the question nor a constant; 7 is not what the steps compute.
        assert_eq!(composed(&[3.0], &[("3+41", 44.0)], 44.0), None);
        assert_eq!(composed(&[3.0, 4.0], &[("3+4", 8.0)], 8.0), None);
        assert_eq!(composed(&[3.0, 4.0], &[("3+4", 7.0)], 9.0), None);
    }
}
