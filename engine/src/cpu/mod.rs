//! temporary
use crate::recording::*;
use crate::{Error, Result};
pub struct Cpu;
impl Cpu {
    pub fn new() -> Self {
        Self
    }
    pub fn create(&mut self, _: u64) -> Result<BufferId> {
        Err(Error::Adapter("no cpu".into()))
    }
    pub fn write(&mut self, _: BufferId, _: u64, _: &[u8]) -> Result<()> {
        Ok(())
    }
    pub fn read(&self, _: Slice) -> Result<Vec<u8>> {
        Err(Error::Adapter("no cpu".into()))
    }
    pub fn free(&mut self, _: BufferId) {}
    pub fn bytes(&self) -> u64 {
        0
    }
    pub fn run(&mut self, _: &[&Recording], _: Run) -> Result<()> {
        Err(Error::Adapter("no cpu".into()))
    }
}
