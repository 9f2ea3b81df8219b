//! The generator's grammar: what questions look like, apart from what they compute.

mod draw;
mod lists;
mod number_words;
mod rules;
mod style;
mod text;

pub use draw::{Draw, Drawn};
pub use lists::Lists;
pub use number_words::{Spelling, in_words};
pub use rules::{Conditions, Family, Line, Rule, Shape, families};
pub use style::{Form, Sign, Style};
pub use text::{Filling, Piece, WORDS_OF_A_LIST, Written, read, write};
