//! Controls: what the layers still have right where something that they need is taken from them.

use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use wattage_engine::scorer::Survey;
use wattage_engine::wasm_layers::numbers::{NumberKind, bind};
use wattage_engine::wasm_layers::program::Program;

use crate::evaluate::close;
use crate::{Error, Result};

/// What was counted over some questions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    /// Questions.
    pub n: usize,
    /// Those whose gate was open.
    pub open: usize,
    /// For each layer, those that its first candidate had right.
    pub layers: Vec<usize>,
    /// Those that one of them had right.
    pub oracle: usize,
}

impl Count {
    /// Counts one question more; a survey of none is of a question that could not be read.
    pub fn add(&mut self, survey: Option<&Survey>, answer: f64, layers: usize) {
        self.n += 1;
        self.layers.resize(layers, 0);
        let Some(survey) = survey else { return };
        self.open += usize::from(survey.gate > 0.0);
        let mut any = false;
        for (candidate, result) in survey.candidates.iter().zip(&survey.results) {
            if candidate.rank == 0 && result.is_some_and(|value| close(value, answer)) {
                any = true;
                if let Some(count) = self.layers.get_mut(candidate.place) {
                    *count += 1;
                }
            }
        }
        self.oracle += usize::from(any);
    }
}

/// Each layer's first program.
pub fn firsts(survey: &Survey) -> Vec<(usize, &Program)> {
    let firsts = survey.candidates.iter().filter(|candidate| candidate.rank == 0);
    firsts.map(|candidate| (candidate.place, &candidate.program)).collect()
}

/// The layers' file in which each tensor's weights are in another order.
///
/// # Errors
/// [`Error::Export`] where it is no such file.
pub fn shuffled(file: &[u8], seed: u64) -> Result<Vec<u8>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    changed(file, &mut |_, bytes, _| {
        let mut weights: Vec<[u8; 2]> = bytes.as_chunks().0.to_vec();
        weights.shuffle(&mut random);
        Ok(weights.into_flattened())
    })
}

/// The layers' file in which each layer has the weights of the next tap's, and the last those of the first.
///
/// # Errors
/// As [`shuffled`].
pub fn swapped(file: &[u8], taps: &[usize]) -> Result<Vec<u8>> {
    changed(file, &mut |name, bytes, all| {
        let own = taps.iter().position(|tap| name.starts_with(&format!("layer.{tap}.")));
        let Some(place) = own else { return Ok(bytes.to_vec()) };
        let (from, to) = (format!("layer.{}.", taps[place]), format!("layer.{}.", taps[(place + 1) % taps.len()]));
        Ok(all.tensor(&name.replacen(&from, &to, 1)).map_err(unusable)?.data().to_vec())
    })
}

/// Other bytes of the same length for a tensor, by its name and bytes and all tensors.
type Change<'a> = dyn FnMut(&str, &[u8], &SafeTensors<'_>) -> Result<Vec<u8>> + 'a;

fn changed(file: &[u8], change: &mut Change<'_>) -> Result<Vec<u8>> {
    let (_, head) = SafeTensors::read_metadata(file).map_err(unusable)?;
    let all = SafeTensors::deserialize(file).map_err(unusable)?;
    let mut tensors = all.iter().collect::<Vec<_>>();
    tensors.sort_by_key(|(name, _)| *name);
    let mut new = Vec::with_capacity(tensors.len());
    for (name, view) in tensors {
        new.push((name.to_owned(), change(name, view.data(), &all)?, view));
    }
    let views = new
        .iter()
        .map(|(name, bytes, view)| Ok((name, TensorView::new(view.dtype(), view.shape().to_vec(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(unusable)?;
    safetensors::serialize(views, head.metadata().clone()).map_err(unusable)
}

fn unusable(why: safetensors::SafeTensorError) -> Error {
    Error::Export(format!("this is no file of WASM layers: {why}"))
}

/// Draws until another number is found that the question does not have.
const TRIES: usize = 200;

/// The question with another number for each that is written in digits, of as many of them; the same one for the same one. None where
/// its numbers are not bound as before, where there are none, or so many that no others are left.
pub fn renamed(question: &str, random: &mut ChaCha8Rng) -> Option<String> {
    let binding = bind(question);
    let mut out = String::with_capacity(question.len());
    let mut at = 0;
    let mut names: Vec<(&str, String)> = Vec::new();
    for number in binding.numbers.iter().filter(|number| number.kind == NumberKind::Digits) {
        let text = question.get(number.start_byte..number.end_byte)?;
        let new = match names.iter().find(|(old, _)| *old == text) {
            Some((_, new)) => new.clone(),
            None => {
                let mut draw = || -> String {
                    let other = |c: char| if c.is_ascii_digit() { random.random_range(b'1'..=b'9').into() } else { c };
                    text.chars().map(other).collect()
                };
                let new = (0..TRIES)
                    .map(|_| draw())
                    .find(|new| new != text && names.iter().all(|(_, other)| other != new))?;
                names.push((text, new.clone()));
                new
            }
        };
        out.push_str(question.get(at..number.start_byte)?);
        out.push_str(&new);
        at = number.end_byte;
    }
    out.push_str(question.get(at..)?);
    let same = bind(&out).numbers.len() == binding.numbers.len();
    (same && !names.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        let three: Vec<u8> = (0..40).collect();
        let seven: Vec<u8> = (100..140).collect();
        let view = |bytes| TensorView::new(safetensors::Dtype::F16, vec![4, 5], bytes).unwrap();
        let all = [("layer.3.input.weight", view(&three)), ("layer.7.input.weight", view(&seven))];
        safetensors::serialize(all, None).unwrap()
    }

    fn tensor(file: &[u8], name: &str) -> Vec<u8> {
        SafeTensors::deserialize(file).unwrap().tensor(name).unwrap().data().to_vec()
    }

    #[test]
    fn weights_are_swapped_between_layers_and_shuffled_within_a_tensor() {
        let swapped = swapped(&file(), &[3, 7]).unwrap();
        assert_eq!(tensor(&swapped, "layer.3.input.weight"), tensor(&file(), "layer.7.input.weight"));
        assert_eq!(tensor(&swapped, "layer.7.input.weight"), tensor(&file(), "layer.3.input.weight"));
        let shuffled = tensor(&shuffled(&file(), 1).unwrap(), "layer.3.input.weight");
        let weights = |bytes: &[u8]| {
            let mut weights: Vec<[u8; 2]> = bytes.as_chunks().0.to_vec();
            weights.sort_unstable();
            weights
        };
        assert_ne!(shuffled, tensor(&file(), "layer.3.input.weight"));
        assert_eq!(weights(&shuffled), weights(&tensor(&file(), "layer.3.input.weight")));
        assert!(super::swapped(b"no file", &[3, 7]).is_err());
    }

    #[test]
    fn renamed_numbers_are_others_of_as_many_digits() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let question = "Ann has 12 pens, 12 cups, $1.50 and two of 345 cards.";
        for _ in 0..50 {
            let new = renamed(question, &mut random).unwrap();
            let values = |text: &str| bind(text).numbers.iter().map(|number| number.value).collect::<Vec<_>>();
            let (old, new) = (values(question), values(&new));
            assert_eq!(new[0], new[1]);
            assert!(new[0] != 12.0 && (11.0..100.0).contains(&new[0]), "{new:?}");
            assert_eq!((old[2], old[3]), (new[2], new[3]), "money and words stay");
            assert!(new[4] != 345.0 && (111.0..1000.0).contains(&new[4]));
        }
        assert_eq!(renamed("no number here", &mut random), None);
        // Ten numbers of one digit: there are but nine to draw.
        assert_eq!(renamed("Add 0, 1, 2, 3, 4, 5, 6, 7, 8 and 9.", &mut random), None);
    }
}
