//! The scorer's training: surveys of questions that the layers were not trained on, and a verifier that learns from them which
//! candidates gave the right number.

mod fit;
mod kept;
mod survey;

pub use self::fit::{Fitted, Settings, Shares, fit};
pub use self::kept::Kept;
pub use self::survey::{Surveyed, Surveyor};
