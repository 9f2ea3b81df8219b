//! Every format bit for bit like the reference (golden/make_blocks.py).

use wattage_engine::{DType, dequantise};

#[test]
fn every_format_is_decoded_like_the_reference() {
    let file = include_bytes!("../golden/blocks.safetensors");
    let golden = safetensors::SafeTensors::deserialize(file).unwrap();
    for dtype in DType::ALL {
        let blocks = golden.tensor(&format!("{dtype:?}.bytes")).unwrap();
        let values = golden.tensor(&format!("{dtype:?}.values")).unwrap();
        let expected: Vec<u32> =
            values.data().chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        assert!(expected.len() >= 8 * dtype.block_values(), "{dtype:?} has too few values");
        let mut out = vec![0.0; expected.len()];
        dequantise(dtype, blocks.data(), &mut out).unwrap();
        for (i, (got, want)) in out.iter().zip(&expected).enumerate() {
            assert_eq!(got.to_bits(), *want, "{dtype:?} value {i}: {got} for {}", f32::from_bits(*want));
        }
    }
}

#[test]
fn sizes_that_do_not_match_are_refused() {
    for dtype in DType::ALL {
        let (bytes, values) = (dtype.block_bytes(), dtype.block_values());
        assert!(dequantise(dtype, &[], &mut []).is_ok());
        assert!(dequantise(dtype, &vec![0; bytes * 2], &mut vec![0.0; values]).is_err());
        assert!(dequantise(dtype, &vec![0; bytes], &mut vec![0.0; values * 2]).is_err());
        assert!(dequantise(dtype, &vec![0; bytes + 1], &mut vec![0.0; values]).is_err());
    }
}
