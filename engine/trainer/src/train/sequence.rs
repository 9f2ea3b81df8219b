//! An example as the model sees it: the conversation's tokens, and where the question and its numbers lie among them.

use wattage_engine::wasm_layers::config::{LayersConfig, Token};
use wattage_engine::wasm_layers::display;
use wattage_engine::wasm_layers::numbers::bind;
use wattage_engine::wasm_layers::program::{Instruction, MOST_NUMBERS, Op, Program};
use wattage_engine::{ChatTemplate, Message, Role, Tokenizer};

use crate::Result;
use crate::example::Example;

/// An example's tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// The conversation up to where the answer begins.
    pub prompt: Vec<u32>,
    /// The answer, spliced program and result included.
    pub answer: Vec<u32>,
    /// For each token of the answer whether the model writes it itself.
    pub own: Vec<bool>,
    /// Tokens of the prompt that the layers read.
    pub rows: Vec<usize>,
    /// The last token of each number, as a place in `rows`.
    pub lasts: Vec<usize>,
    /// The pointer of each number.
    pub pointers: Vec<usize>,
    /// The outputs that write the program, without the end; none where no computation is asked.
    pub program: Option<Vec<usize>>,
}

/// Makes sequences of examples, through the engine's own tokenizer, template and number binding.
pub struct Reader<'a> {
    /// The vocabulary.
    pub tokenizer: &'a Tokenizer,
    /// The chat template.
    pub template: &'a ChatTemplate,
    /// The layers' shape.
    pub config: &'a LayersConfig,
}

impl Reader<'_> {
    /// The sequence of an example; none for one that has more numbers than the layers bind.
    ///
    /// # Errors
    /// The engine's, for a text that it cannot encode.
    pub fn sequence(&self, example: &Example) -> Result<Option<Sequence>> {
        let binding = bind(&example.question);
        if binding.numbers.len() > MOST_NUMBERS {
            return Ok(None);
        }
        let mut messages = Vec::new();
        if let Some(value) = example.previous {
            messages.extend(turn_before(value).into_iter().flatten());
        }
        messages.push(Message { role: Role::User, content: example.question.clone() });
        let (numbers, markers) = (&binding.numbers, &self.config.markers);
        let question = self.template.encode_question(self.tokenizer, &messages, true, numbers, markers)?;
        let mut rows: Vec<usize> = Vec::new();
        let mut earlier = None;
        if example.previous.is_some() {
            let find = |text| {
                let id = self.tokenizer.id_of(text);
                question.ids[..question.tokens.start].iter().rposition(|other| Some(*other) == id)
            };
            if let (Some(open), Some(close)) = (find("<computed>"), find("</computed>")) {
                rows.extend(open..close);
                earlier = Some(rows.len() - 1);
            }
        }
        let first = rows.len();
        rows.extend(question.tokens.clone());
        let place = |token: usize| first + token - question.tokens.start;
        let mut lasts: Vec<usize> = question.numbers.iter().map(|tokens| place(tokens.end - 1)).collect();
        let mut pointers: Vec<usize> = (0..lasts.len()).collect();
        if let Some(last) = earlier {
            pointers.push(lasts.len());
            lasts.push(last);
        }
        let program = match &example.program {
            None => None,
            Some(program) => {
                let ids: Option<Vec<usize>> = program.instructions().iter().map(|i| self.config.id(*i)).collect();
                let Some(ids) = ids else { return Ok(None) };
                Some(ids)
            }
        };
        let (answer, own) = self.answer(example, lasts.len())?;
        Ok(Some(Sequence { prompt: question.ids, answer, own, rows, lasts, pointers, program }))
    }

    /// The answer's tokens, and which of them the model writes itself.
    fn answer(&self, example: &Example, parameters: usize) -> Result<(Vec<u32>, Vec<bool>)> {
        let mut parts = vec![(format!("<think>\n{}\n</think>\n", example.think), true)];
        if let (Some(program), Some(value)) = (&example.program, example.answer) {
            let value = display(value);
            parts.push(("<wat_model>".to_owned(), true));
            parts.push((
                format!("\n{}\n</wat_model>\n<computed>{value}</computed>\n", program.wat_alone(parameters)),
                false,
            ));
            parts.push((example.reply.replace("{v}", &value), true));
        } else {
            parts.push((example.reply.clone(), true));
        }
        parts.push(("<|im_end|>".to_owned(), true));
        let (mut ids, mut own) = (Vec::new(), Vec::new());
        for (text, mine) in parts {
            let piece = self.tokenizer.encode(&text, true)?;
            own.extend(piece.iter().map(|_| mine));
            ids.extend(piece);
        }
        Ok((ids, own))
    }
}

/// A turn that computed `value`, as the page would have left it in the conversation.
fn turn_before(value: f64) -> Option<[Message; 2]> {
    // Any sum with this result; which one follows from the value, so that the same example is always the same sequence.
    let part = (value.abs() % 17.0).round() + 1.0;
    let sum = Program::new(vec![Instruction::Local(0), Instruction::Local(1), Instruction::Op(Op::Add)], 2)?;
    let (a, b, value) = (display(value - part), display(part), display(value));
    let answer =
        format!("<wat_model>\n{}\n</wat_model>\n<computed>{value}</computed>\n{a} + {b} = {value}.", sum.wat_alone(2));
    Some([
        Message { role: Role::User, content: format!("What is {a} + {b}?") },
        Message { role: Role::Assistant, content: answer },
    ])
}

/// The stack's depth before each step of a program's outputs, the end included.
pub fn depths(config: &LayersConfig, program: &[usize]) -> Vec<usize> {
    let mut depth = 0;
    let mut all = vec![0];
    for id in program {
        depth = match config.token(*id) {
            Some(Token::Fixed(Instruction::Op(op))) => depth + 1 - op.operands(),
            _ => depth + 1,
        };
        all.push(depth);
    }
    all
}

/// Whether an output is allowed on a stack of `depth` values with `left` instructions to go, this one included, the end not.
pub fn allowed(config: &LayersConfig, id: usize, depth: usize, left: usize) -> bool {
    let after = if id == 0 {
        return depth == 1;
    } else if id <= Op::ALL.len() {
        let operands = Op::ALL[id - 1].operands();
        if depth < operands {
            return false;
        }
        depth + 1 - operands
    } else {
        debug_assert!(config.token(id).is_some());
        depth + 1
    };
    // Each operation on two values lowers the stack by one.
    left > 0 && after - 1 < left
}
