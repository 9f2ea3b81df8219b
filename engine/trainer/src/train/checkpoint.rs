//! A training run on disk: it goes on after a kill from where its last checkpoint was.

use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::run::{Nets, Shapes};
use crate::{Error, Result};

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Steps done.
    pub step: usize,
    /// Passes over the data begun.
    pub epoch: u64,
    /// Batches taken of this pass.
    pub taken: usize,
    /// Padded tokens seen.
    pub tokens: usize,
    /// Seconds taken.
    pub seconds: f64,
    /// The best held-out score.
    pub best: f64,
    /// The evaluations since the best.
    pub since: usize,
    /// What the run was asked; another question cannot go on from it.
    pub asked: String,
}

/// Where a run's checkpoint lies: the folder is written beside it and renamed, so that it is whole or not there.
pub(super) fn folder(out: &Path) -> PathBuf {
    out.join("checkpoint")
}

fn failed(why: impl std::fmt::Display) -> Error {
    Error::Training(format!("the checkpoint: {why}"))
}

/// Writes weights, their average, the optimiser's state and the place.
pub(super) fn save(out: &Path, nets: &Nets, average: &Nets, optimiser: &ModuleOptimizer, place: &Place) -> Result<()> {
    let (new, old) = (out.join("checkpoint.new"), folder(out));
    if new.exists() {
        std::fs::remove_dir_all(&new).map_err(|why| Error::file(&new, why))?;
    }
    std::fs::create_dir_all(&new).map_err(|why| Error::file(&new, why))?;
    nets.clone().save_file(new.join("nets")).map_err(failed)?;
    average.clone().save_file(new.join("average")).map_err(failed)?;
    optimiser.to_record().save(new.join("optimiser")).map_err(failed)?;
    let text = serde_json::to_string(place).map_err(failed)?;
    std::fs::write(new.join("place.json"), text).map_err(|why| Error::file(&new, why))?;
    if old.exists() {
        std::fs::remove_dir_all(&old).map_err(|why| Error::file(&old, why))?;
    }
    std::fs::rename(&new, &old).map_err(|why| Error::file(&old, why))
}

/// What [`save`] wrote, if anything was.
pub(super) fn load(
    out: &Path,
    nets: Nets,
    average: Nets,
    optimiser: ModuleOptimizer,
) -> Result<Option<(Nets, Nets, ModuleOptimizer, Place)>> {
    let mut from = folder(out);
    if !from.exists() {
        // The run was killed between removing and renaming.
        from = out.join("checkpoint.new");
    }
    let Ok(text) = std::fs::read_to_string(from.join("place.json")) else { return Ok(None) };
    let place: Place = serde_json::from_str(&text).map_err(failed)?;
    let nets = nets.try_load_file(from.join("nets")).map_err(failed)?;
    let average = average.try_load_file(from.join("average")).map_err(failed)?;
    let record = OptimizerRecord::load(from.join("optimiser")).map_err(failed)?;
    Ok(Some((nets, average, optimiser.load_record(record), place)))
}

/// The averaged weights of a run's checkpoint, and how far the run was.
///
/// # Errors
/// [`Error::File`] where there is no checkpoint, [`Error::Training`] for one of nets of another shape.
pub fn average(out: &Path, shapes: Shapes<'_>) -> Result<(Nets, Place)> {
    let from = folder(out);
    let path = from.join("place.json");
    let text = std::fs::read_to_string(&path).map_err(|why| Error::file(&path, why))?;
    let place: Place = serde_json::from_str(&text).map_err(failed)?;
    if !place.asked.starts_with(&shapes.named()) {
        return Err(failed("it is of nets of another shape; use the program that trained them"));
    }
    let nets = Nets::new(shapes, &Device::flex());
    Ok((nets.try_load_file(from.join("average")).map_err(failed)?, place))
}

/// Moves `average` towards `nets`: average = keep average + (1 - keep) nets.
pub(super) fn blend(average: Nets, nets: &Nets, keep: f64) -> Nets {
    struct Values(std::collections::VecDeque<TensorData>);
    impl ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push_back(param.val().into_data());
        }
    }
    struct Blend(Values, f64);
    impl ModuleMapper for Blend {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (new, keep) = (self.0.0.pop_front(), self.1);
            param.map(|old| match new {
                Some(new) => {
                    let new = Tensor::<D>::from_data(new, &old.device());
                    old * keep + new * (1.0 - keep)
                }
                None => old,
            })
        }
    }
    let mut values = Values(std::collections::VecDeque::new());
    nets.visit(&mut values);
    average.map(&mut Blend(values, keep))
}
