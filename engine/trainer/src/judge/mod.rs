//! The scorer's training: surveys of questions that the layers were not trained on, and a verifier that learns from them which
//! candidates gave the right number.

mod calibrate;
mod fit;
mod kept;
mod measure;
mod study;
mod survey;

pub use self::fit::{Settings, fit};
pub use self::kept::Kept;
pub use self::measure::{Fitted, Shares};
pub use self::study::{Bar, Chooser, Study, study};
pub use self::survey::{Surveyed, Surveyor};
