//! An example as the model sees it: the conversation's tokens, and where the question and its numbers lie among them.

use wattage_engine::sandbox::{NotFinite, Outcome, Trap};
use wattage_engine::splice::{self, NoResult};
use wattage_engine::wasm_layers::config::{LayersConfig, Token};
use wattage_engine::wasm_layers::display;
use wattage_engine::wasm_layers::numbers::bind;
use wattage_engine::wasm_layers::program::{Instruction, MOST_NUMBERS, Op, Program};
use wattage_engine::{ChatTemplate, Message, Role, Tokenizer};

use super::states::Stored;
use crate::Result;
use crate::example::Example;
use crate::skeleton::hash;

/// An example's tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// The conversation up to where the answer begins.
    pub prompt: Vec<u32>,
    /// The answer, spliced program and result included.
    pub answer: Vec<u32>,
    /// What each token of the answer weighs in training; nothing where it is spliced in.
    pub own: Vec<f32>,
    /// Tokens of the prompt that the layers read.
    pub rows: Vec<usize>,
    /// The last token of each number, as a place in `rows`.
    pub lasts: Vec<usize>,
    /// The pointer of each number.
    pub pointers: Vec<usize>,
    /// The outputs that write the program, without the end; none where no computation is asked.
    pub program: Option<Vec<usize>>,
    /// Where the states of `rows` lie, for a base that is not trained along.
    pub stored: Option<Stored>,
}

impl Sequence {
    /// Tokens that a batch has of it, with its answer or without.
    pub fn tokens(&self, answers: bool) -> usize {
        match self.stored {
            Some(_) => self.rows.len(),
            None => self.prompt.len() + if answers { self.answer.len() } else { 0 },
        }
    }
}

/// Makes sequences of examples, through the engine's own tokenizer, template and number binding.
pub struct Reader<'a> {
    /// The vocabulary.
    pub tokenizer: &'a Tokenizer,
    /// The chat template.
    pub template: &'a ChatTemplate,
    /// The layers' shape.
    pub config: &'a LayersConfig,
    /// Messages that ask for no computation, with their answers: some questions come after one.
    pub chats: &'a [(String, String)],
}

impl Reader<'_> {
    /// The sequence of an example; none for one without a word, with more numbers than the layers bind, with two that end in
    /// one token, or about an earlier result where the template does not show those.
    ///
    /// # Errors
    /// The engine's, for a text that it cannot encode.
    pub fn sequence(&self, example: &Example) -> Result<Option<Sequence>> {
        let binding = bind(&example.question);
        if binding.numbers.len() > MOST_NUMBERS {
            return Ok(None);
        }
        let mut messages = self.before(example);
        messages.push(Message { role: Role::User, content: example.question.clone() });
        let (numbers, markers) = (&binding.numbers, &self.config.markers);
        let question = self.template.encode_question(self.tokenizer, &messages, true, numbers, markers)?;
        let mut rows: Vec<usize> = Vec::new();
        let mut earlier = None;
        if example.previous.is_some() {
            // Where a template does not show it, what was computed before cannot be pointed at.
            let Some(result) = &question.earlier else { return Ok(None) };
            rows.extend(result.tokens.clone());
            earlier = Some(rows.len() - 1);
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
        if rows.is_empty() || lasts.windows(2).any(|pair| pair[0] == pair[1]) {
            return Ok(None);
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
        Ok(Some(Sequence { prompt: question.ids, answer, own, rows, lasts, pointers, program, stored: None }))
    }

    /// The turn before the question: one that computed what it refers to, or sometimes some talk.
    fn before(&self, example: &Example) -> Vec<Message> {
        if let Some(value) = example.previous {
            return turn_before(&example.question, value);
        }
        let hash = hash(&example.question);
        let chat = self.chats.get((hash / TALK) as usize % self.chats.len().max(1));
        match chat {
            Some((question, answer)) if hash.is_multiple_of(TALK) => said(question.clone(), answer.clone()),
            _ => Vec::new(),
        }
    }

    /// The answer's tokens, and what each weighs.
    fn answer(&self, example: &Example, parameters: usize) -> Result<(Vec<u32>, Vec<f32>)> {
        let mut parts = vec![(format!("<think>\n{}\n</think>\n", example.think), 1.0)];
        if let (Some(program), Some(value)) = (&example.program, example.answer) {
            parts.push((splice::OPEN.to_owned(), 1.0));
            let wat = program.wat_alone(parameters);
            let hash = hash(&example.question);
            if hash.is_multiple_of(FAILURE) {
                let why = failure(hash / FAILURE);
                let wat = matches!(why, NoResult::Failed(_)).then_some(wat.as_str());
                parts.push((splice::failed(wat, &why), 0.0));
                parts.push((format!("I could not compute that: {why}."), 1.0));
            } else {
                parts.push((splice::computed(&wat, value), 0.0));
                parts.push((example.reply.replace("{v}", &display(value)), DIGIT));
            }
        } else {
            parts.push((example.reply.clone(), 1.0));
        }
        parts.push(("<|im_end|>".to_owned(), 1.0));
        let (mut ids, mut own) = (Vec::new(), Vec::new());
        for (text, weight) in parts {
            let piece = self.tokenizer.encode(&text, true)?;
            let digit = |id: &u32| matches!(self.tokenizer.bytes_of(*id).as_slice(), [b'0'..=b'9']);
            own.extend(piece.iter().map(|id| if weight > 1.0 && !digit(id) { 1.0 } else { weight }));
            ids.extend(piece);
        }
        Ok((ids, own))
    }
}

fn said(question: String, answer: String) -> Vec<Message> {
    vec![Message { role: Role::User, content: question }, Message { role: Role::Assistant, content: answer }]
}

/// A turn that computed `value`, as it stands in the conversation before `question`: any sum with this result. Which one follows
/// from the two, so that the same example is always the same sequence.
pub fn turn_before(question: &str, value: f64) -> Vec<Message> {
    let part = (value.abs() % 17.0).round() + 1.0;
    let sum = vec![Instruction::Local(0), Instruction::Local(1), Instruction::Op(Op::Add)];
    let Some(program) = Program::new(sum, 2) else { return Vec::new() };
    let (a, b) = (display(value - part), display(part));
    let question = match hash(question) % 4 {
        0 => format!("What is {a} + {b}?"),
        1 => format!("{a} plus {b}"),
        2 => format!("Please add {b} to {a}."),
        _ => format!("how much is {a}+{b}"),
    };
    let spliced = splice::computed(&program.wat_alone(2), value);
    said(question, format!("{}{spliced}{a} + {b} = {}.", splice::OPEN, display(value)))
}

/// What a digit of the final sentence weighs: copying numbers is learned slowly from the few that repeat the question's.
const DIGIT: f32 = 3.0;
/// One message in so many comes after some talk.
const TALK: u64 = 10;
/// One computation in so many fails, for the model to learn to say so.
const FAILURE: u64 = 25;

/// A failure of each kind that the model can be told of.
fn failure(choice: u64) -> NoResult {
    let outcomes = [
        Outcome::NotFinite(NotFinite::Infinity),
        Outcome::NotFinite(NotFinite::Nan),
        Outcome::NotFinite(NotFinite::MinusInfinity),
        Outcome::OutOfFuel { fuel: 1_000_000 },
        Outcome::Trap(Trap::StackOverflow),
    ];
    match choice % 9 {
        0 => NoResult::Skipped,
        1 => NoResult::Numbers { found: 17 + (choice / 9 % 60) as usize },
        2 => NoResult::Nothing,
        n if n < 6 => NoResult::Failed(outcomes[(n - 3) as usize].clone()),
        n => NoResult::Failed(outcomes[(n - 4) as usize].clone()),
    }
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
