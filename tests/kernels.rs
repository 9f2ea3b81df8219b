//! Every kernel variant on a GPU against its CPU twin, at odd sizes; and the twins against the definitions, in f64.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use wattage_engine::Device;
use wattage_engine::check::{self, Size};
use wattage_engine::kernels::VARIANTS;

/// Sizes for each variant.
const SEEDS: std::ops::Range<u64> = 1..5;

#[test]
fn every_variant_agrees_with_its_twin_on_the_gpu() {
    pollster::block_on(async {
        // No adapter is a failure: nothing would be tested.
        let mut gpu = Device::gpu().await.unwrap();
        let mut ran = 0;
        let mut wrong = Vec::new();
        for (index, variant) in VARIANTS.iter().enumerate() {
            if !gpu.runs(variant) {
                continue;
            }
            for size in SEEDS.map(Size::Odd).chain([Size::Small]) {
                let report = check::variant(&mut gpu, index, size).await.unwrap();
                ran += 1;
                if !report.passed() {
                    wrong.push(format!(
                        "{} at {size:?}: {:.1e} over {:.0e}",
                        variant.name, report.max_error, report.tolerance
                    ));
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {ran} differ:\n{}", wrong.len(), wrong.join("\n"));
        let features = &gpu.adapter().unwrap().features;
        println!("{ran} comparisons with {features:?}");
        assert!(ran >= 5 * 40, "only {ran} comparisons ran");
    });
}
