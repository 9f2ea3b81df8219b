//! The one line of thought before a program: what will be done, in words, without the numbers.

use wattage_engine::wasm_layers::program::{Op, Program};

/// Most operations that are named; longer programs are summed up by their first ones.
const MOST_NAMED: usize = 4;

/// The thought before a program. A topic such as `Percentage` comes first if there is one.
pub fn positive(topic: &str, program: &Program) -> String {
    let mut operations: Vec<Op> = program.operations().collect();
    operations.dedup();
    let mut words = operations.iter().take(MOST_NAMED).map(|op| op.word()).collect::<Vec<_>>().join(", then ");
    if operations.len() > MOST_NAMED {
        words.push_str(", and so on");
    }
    if words.is_empty() {
        words.push_str("a known number");
    }
    if topic.is_empty() {
        let mut sentence = words;
        // The operations' words are ASCII.
        if let Some(first) = sentence.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        return sentence + ".";
    }
    format!("{topic}: {words}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattage_engine::wasm_layers::program::Instruction;

    #[test]
    fn thoughts() {
        let program = |ops: &[Op]| {
            let mut instructions = vec![Instruction::Local(0)];
            for op in ops {
                instructions.extend(vec![Instruction::Local(0); op.operands() - 1]);
                instructions.push(Instruction::Op(*op));
            }
            Program::new(instructions, 1).unwrap()
        };
        assert_eq!(positive("", &program(&[Op::Add])), "Add.");
        assert_eq!(positive("Average", &program(&[Op::Add, Op::Add, Op::Div])), "Average: add, then divide.");
        assert_eq!(positive("", &program(&[])), "A known number.");
        let long = program(&[Op::Add, Op::Sub, Op::Add, Op::Sub, Op::Mul]);
        assert_eq!(positive("", &long), "Add, then subtract, then add, then subtract, and so on.");
    }
}
