//! Whole small GGUF files of both families.

use harness::gguf::{Gguf, Meta, kind, model, tiny_config};
use harness::vocab::Vocab;
use wattage_engine::{Architecture, DType, ModelFile, Source, dequantise};

use crate::open;

#[test]
fn both_families_open_with_and_without_a_tied_head() {
    for arch in [Architecture::Qwen2, Architecture::Qwen3] {
        for tied in [false, true] {
            let config = tiny_config(arch, tied);
            let file = open("tiny.gguf", model(&config, DType::Q8_0, 1).write()).unwrap();
            assert_eq!(file.config, config);
            // 7 matrices and 2 norms a layer, with 3 biases or 2 norms of heads; embedding and last norm; head.
            let layer = if arch == Architecture::Qwen2 { 12 } else { 11 };
            assert_eq!(file.tensors.len(), 2 * layer + 2 + usize::from(!tied));
            assert_eq!(file.quantisation, "Q8_0");
            assert!(file.template.can_think() && !file.template.is_default());
            let vocab = Vocab::small();
            assert_eq!(file.stop_ids, [vocab.id("<|endoftext|>"), vocab.id("<|im_end|>")]);
        }
    }
}

#[test]
fn every_format_opens_and_its_bytes_are_where_the_table_says() {
    for dtype in DType::ALL {
        let mut config = tiny_config(Architecture::Qwen3, true);
        (config.hidden, config.ffn, config.heads, config.head_dim) = (256, 256, 8, 32);
        let gguf = model(&config, dtype, 7);
        let file = open("tiny.gguf", gguf.write()).unwrap();
        let tensor = file.tensor("model.layers.1.mlp.down_proj.weight").unwrap();
        assert_eq!((tensor.dtype, tensor.rows, tensor.cols), (dtype, 256, 256));
        let written = &gguf.tensors.iter().find(|t| t.name == "blk.1.ffn_down.weight").unwrap().data;
        let len = usize::try_from(tensor.bytes).unwrap();
        assert_eq!(&pollster::block_on(file.read(tensor, 0, len)).unwrap(), written);
        assert_eq!(pollster::block_on(file.read(tensor, 5, 9)).unwrap(), written[5..14]);
        assert!(pollster::block_on(file.read(tensor, 1, len)).is_err());
        assert!(pollster::block_on(file.read(tensor, u64::MAX, 2)).is_err());
        let mut values = vec![0.0; 256 * 256];
        dequantise(dtype, written, &mut values).unwrap();
        let square: f32 = values.iter().map(|x| x * x).sum::<f32>() / values.len() as f32;
        assert!((0.02..0.2).contains(&square.sqrt()), "{dtype:?} weights deviate by {}", square.sqrt());
    }
}

#[test]
fn a_file_on_disk_reads_like_one_in_memory() {
    let bytes = model(&tiny_config(Architecture::Qwen2, true), DType::F16, 3).write();
    let path = std::env::temp_dir().join(format!("wattage-loader-{}.gguf", std::process::id()));
    std::fs::write(&path, &bytes).unwrap();
    let source = Source::file(&path).unwrap();
    assert_eq!(source.len(), bytes.len() as u64);
    let result = pollster::block_on(async {
        assert_eq!(source.read(100, 5000).await.unwrap(), bytes[100..5100]);
        assert!(source.read(bytes.len() as u64 - 3, 4).await.is_err());
        assert!(source.read(u64::MAX, 2).await.is_err());
        ModelFile::open(vec![source]).await
    });
    std::fs::remove_file(&path).unwrap();
    assert_eq!(result.unwrap().name, "tiny qwen2");
    assert!(Source::file(&path).unwrap_err().to_string().contains("could not read"));
    assert!(Source::file(&std::env::temp_dir()).is_err());
}

#[test]
fn version_2_and_a_padded_vocabulary_open() {
    let mut config = tiny_config(Architecture::Qwen2, false);
    config.vocab += 64;
    let mut gguf = model(&config, DType::F32, 5);
    gguf.version = 2;
    gguf.set("general.file_type", Meta::U32(15));
    gguf.set("unknown.list", Meta::I32s(vec![1, 2, 3]));
    gguf.set("general.tags", Meta::Texts(vec!["a".into(), "b".into()]));
    let file = open("tiny.gguf", gguf.write()).unwrap();
    assert_eq!(file.config.vocab, config.vocab);
    assert_eq!(file.quantisation, "Q4_K_M");
    assert_eq!(file.parameters(), file.tensors.values().map(|t| t.bytes / 4).sum::<u64>());
}

/// A base's name stays when its matrices or its norms are stored in another way, and is another for other weights.
#[test]
fn a_fingerprint_is_of_the_weights_and_not_of_their_storage() {
    let fingerprint = |gguf: &Gguf| pollster::block_on(open("tiny.gguf", gguf.write()).unwrap().fingerprint()).unwrap();
    let config = tiny_config(Architecture::Qwen3, true);
    let mut float = model(&config, DType::F32, 1);
    // Values that every format of norms can hold, as those of published models.
    for tensor in float.tensors.iter_mut().filter(|tensor| tensor.shape.len() == 1) {
        for value in tensor.data.chunks_exact_mut(4) {
            value[..2].fill(0);
        }
    }
    let name = fingerprint(&float);
    assert!(name.starts_with(&format!("qwen3-2x64-v{}-", config.vocab)) && name.len() > 30, "{name}");

    let stored_as = |dtype: DType, change: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut other = model(&config, DType::Q8_0, 2);
        for tensor in other.tensors.iter_mut().filter(|tensor| tensor.shape.len() == 1) {
            let own = float.tensors.iter().find(|own| own.name == tensor.name).unwrap();
            tensor.data = own.data.chunks_exact(4).flat_map(change).collect();
            tensor.kind = kind(dtype);
        }
        other
    };
    let value = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    for other in [
        stored_as(DType::F32, &|bytes| bytes.to_vec()),
        stored_as(DType::F16, &|bytes| half::f16::from_f32(value(bytes)).to_le_bytes().to_vec()),
        stored_as(DType::BF16, &|bytes| bytes[2..].to_vec()),
    ] {
        assert_eq!(fingerprint(&other), name);
    }

    assert_ne!(fingerprint(&model(&config, DType::F32, 2)), name);
    for norm in ["output_norm.weight", "blk.0.attn_norm.weight"] {
        let mut other = float.clone();
        other.tensor(norm).data[4 * 63 + 2] ^= 1;
        assert_ne!(fingerprint(&other), name, "{norm}");
    }
}
