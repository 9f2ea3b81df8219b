//! The layers' file: written and read again, and refused where anything is not as it says.

use std::collections::BTreeMap;

use harness::random::Rng;
use safetensors::SafeTensors;
use wattage_engine::wasm_layers::config::{LayersConfig, tensors};
use wattage_engine::wasm_layers::{Base, WasmLayers, full_name, to_bytes, write};
use wattage_engine::{DType, Device, Error, Source};

use super::{BASE, Loaded, floats, read};

/// What is done to a layer's tensors before they are written.
type Change<'a> = &'a dyn Fn(&mut BTreeMap<String, Vec<f32>>);

async fn load(bytes: Vec<u8>, base: Base<'_>) -> Result<WasmLayers, Error> {
    WasmLayers::load(&mut Device::cpu(), &Source::bytes("layers.safetensors", bytes), base).await
}

fn refused(bytes: Vec<u8>) -> String {
    match pollster::block_on(load(bytes, BASE)) {
        Err(Error::Format(why)) => why,
        Err(other) => panic!("refused as {other:?}"),
        Ok(_) => panic!("not refused"),
    }
}

/// The golden file's header as JSON, and its data.
fn parts() -> (serde_json::Value, Vec<u8>) {
    let bytes = read("layers.safetensors");
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + len]).unwrap(), bytes[8 + len..].to_vec())
}

fn join(header: &serde_json::Value, data: &[u8]) -> Vec<u8> {
    let text = header.to_string();
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), data].concat()
}

fn with_config(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let (mut header, data) = parts();
    let mut config = serde_json::from_str(header["__metadata__"]["config"].as_str().unwrap()).unwrap();
    change(&mut config);
    header["__metadata__"]["config"] = config.to_string().into();
    join(&header, &data)
}

fn shape() -> LayersConfig {
    LayersConfig {
        base: "made up".into(),
        hidden: 12,
        taps: vec![0, 2],
        width: 8,
        heads: 2,
        ffn: 12,
        encoder_blocks: 0,
        decoder_blocks: 1,
        constants: vec![0.1, 2.71, 1e-3, 365.25, 1.0 / 3.0, 0.017453292519943295, 2.0f64.powi(60)],
        markers: Vec::new(),
        bound: 6.0,
        eps: 1e-5,
    }
}

fn values(config: &LayersConfig) -> BTreeMap<String, Vec<f32>> {
    let mut random = Rng(3);
    let mut all = BTreeMap::new();
    for tap in &config.taps {
        for tensor in tensors(config) {
            let values = (0..tensor.rows * tensor.cols).map(|_| random.normal());
            all.insert(full_name(*tap, &tensor.name), values.collect());
        }
    }
    all
}

#[test]
fn what_is_written_is_read() {
    let (config, made) = (shape(), serde_json::json!({ "seed": 7, "data": ["generated"], "accuracy": 0.93 }));
    let values = values(&config);
    let base = Base { fingerprint: "made up", hidden: 12, layers: 3 };
    for dtype in [DType::F32, DType::F16] {
        let bytes = to_bytes(&config, &made, dtype, &values).unwrap();
        // Another reader sees the same, and the file as its format wants it.
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.len(), values.len());
        for (name, values) in &values {
            let tensor = tensors.tensor(name).unwrap();
            match dtype {
                DType::F32 => assert_eq!(floats(tensor.data()), *values, "{name}"),
                _ => assert_eq!(tensor.data().len(), 2 * values.len(), "{name}"),
            }
        }
        assert_eq!(bytes, to_bytes(&config, &made, dtype, &values).unwrap());
        let path = tempfile::tempdir().unwrap();
        let path = path.path().join("layers.safetensors");
        write(&path, &config, &made, dtype, &values).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        let layers = pollster::block_on(load(bytes, base)).unwrap();
        assert_eq!(*layers.config(), config);
        assert_eq!(*layers.provenance(), made);
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let (config, made, fine) = (shape(), serde_json::Value::Null, values(&shape()));
    let refused = |config: &LayersConfig, dtype, change: Change<'_>| {
        let mut values = fine.clone();
        change(&mut values);
        assert!(matches!(to_bytes(config, &made, dtype, &values), Err(Error::Request(_) | Error::Format(_))));
    };
    let name = "layer.2.token";
    refused(&config, DType::Q8_0, &|_| {});
    refused(&LayersConfig { heads: 3, ..shape() }, DType::F32, &|_| {});
    refused(&config, DType::F32, &|values| drop(values.remove(name)));
    refused(&config, DType::F32, &|values| drop(values.insert("layer.1.token".into(), vec![0.0])));
    refused(&config, DType::F32, &|values| values.get_mut(name).unwrap().push(0.0));
    refused(&config, DType::F32, &|values| values.get_mut(name).unwrap()[1] = f32::NAN);
    refused(&config, DType::F16, &|values| values.get_mut(name).unwrap()[1] = 7e4);
    let mut large = fine.clone();
    large.get_mut(name).unwrap()[1] = 7e4;
    to_bytes(&config, &made, DType::F32, &large).unwrap();
}

/// Whatever is wrong, it says so, and which base the file was made for where that is the matter.
#[test]
fn layers_of_another_base_or_format_are_refused() {
    for (base, word) in [
        (Base { fingerprint: "another", ..BASE }, "another"),
        (Base { hidden: 64, ..BASE }, "width 64"),
        (Base { layers: 11, ..BASE }, "11"),
    ] {
        match pollster::block_on(load(read("layers.safetensors"), base)) {
            Err(Error::Unsupported(why)) => assert!(why.contains(word), "{why}"),
            other => panic!("{:?}", other.err()),
        }
    }
    let why = pollster::block_on(load(read("layers.safetensors"), Base { fingerprint: "another", ..BASE })).err();
    assert!(why.unwrap().to_string().contains("made for the base \"golden\""));
    for field in ["format", "version"] {
        let (mut header, data) = parts();
        header["__metadata__"][field] = "9".into();
        let why = refused(join(&header, &data));
        assert!(why.contains(field) && why.contains("golden"), "{why}");
    }
}

#[test]
fn files_that_are_not_as_they_say_are_refused() {
    let (header, data) = parts();
    let changed = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut header = header.clone();
        change(&mut header);
        refused(join(&header, &data))
    };
    let tensor = "layer.7.decoder.1.cross_gate";
    assert!(changed(&|h| drop(h.as_object_mut().unwrap().remove("__metadata__"))).contains("format"));
    assert!(changed(&|h| h["__metadata__"]["config"] = "{".into()).contains("configuration"));
    assert!(changed(&|h| h["__metadata__"]["provenance"] = "{".into()).contains("provenance"));
    assert!(changed(&|h| drop(h.as_object_mut().unwrap().remove(tensor))).contains(tensor));
    assert!(changed(&|h| h["extra"] = h[tensor].clone()).contains("does not name"));
    // The same bytes in another shape.
    assert!(changed(&|h| h["layer.3.decoder.0.out"]["shape"] = [12, 48].into()).contains("[12, 48]"));
    // Two values of 16 bits are as long as one of 32.
    assert!(changed(&|h| h["layer.3.decoder.0.out"] = h["layer.3.decoder.0.qkv"].clone()).contains("[72, 24]"));
    assert!(changed(&|h| h[tensor]["dtype"] = "BF16".into()).contains("neither"));
    assert!(changed(&|h| h[tensor]["data_offsets"] = [data.len(), data.len() + 2].into()).contains("outside"));
    refused(with_config(|config| config["taps"] = [7, 3, 11].into()));
    refused(with_config(|config| config["heads"] = 5.into()));
    refused(with_config(|config| config["heads"] = 0.into()));
    refused(with_config(|config| config["width"] = u64::MAX.into()));
    refused(with_config(|config| config["decoder_blocks"] = 3.into()));
    refused(with_config(|config| config["eps"] = (-1.0).into()));
    // As large as the shape allows: refused before anything is made room for.
    let why = refused(with_config(|config| {
        for (name, value) in [("width", 2048), ("ffn", 2048), ("heads", 32), ("decoder_blocks", 4)] {
            config[name] = value.into();
        }
    }));
    assert!(why.contains("MiB"), "{why}");
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let (header, data) = parts();
    for (name, bits) in [("layer.3.tap.mean", 0x7e00u16), ("layer.11.pointer.query", 0x7c00)] {
        let mut data = data.clone();
        let at = header[name]["data_offsets"][0].as_u64().unwrap() as usize + 6;
        data[at..at + 2].copy_from_slice(&bits.to_le_bytes());
        let why = refused(join(&header, &data));
        assert!(why.contains(name), "{why}");
    }
}

/// Headers cut short, with claims that no file can keep, and with bytes changed at random: an error, or layers, never more.
#[test]
fn hostile_headers_end_in_an_error() {
    let bytes = read("layers.safetensors");
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for len in [0, 1, 7, 8, 9, 100, header - 1, header, bytes.len() - 1] {
        let found = pollster::block_on(load(bytes[..len].to_vec(), BASE));
        assert!(matches!(found, Err(Error::Format(_) | Error::Source { .. })), "{len}");
    }
    for claim in [(1u64 << 20) + 1, u64::from(u32::MAX), u64::MAX - 7, u64::MAX] {
        refused([&claim.to_le_bytes()[..], &bytes[8..]].concat());
    }
    let nested = format!("{{\"__metadata__\":{}", "[".repeat(1 << 19));
    refused([&(nested.len() as u64).to_le_bytes()[..], nested.as_bytes()].concat());
    let twice = r#"{"__metadata__":{},"__metadata__":{}}"#.to_owned();
    refused([&(twice.len() as u64).to_le_bytes()[..], twice.as_bytes()].concat());
    let mut random = Rng(11);
    for _ in 0..300 {
        let mut bytes = bytes.clone();
        for _ in 0..1 + random.below(3) {
            bytes[8 + random.below(header - 8)] = b" \"0123456789{}[],:ekx\\"[random.below(22)];
        }
        // Whatever it is, it must end.
        let _ = pollster::block_on(load(bytes, BASE));
    }
}

/// A file that was loaded leaves nothing behind when the next is refused.
#[test]
fn a_refused_file_leaves_nothing_on_the_device() {
    pollster::block_on(async {
        let mut loaded = Loaded::new(Device::cpu()).await;
        let before = loaded.device.allocated();
        let (header, mut data) = parts();
        let at = header["layer.11.pointer.query"]["data_offsets"][0].as_u64().unwrap() as usize;
        data[at..at + 2].copy_from_slice(&0x7e00u16.to_le_bytes());
        let source = Source::bytes("layers.safetensors", join(&header, &data));
        assert!(WasmLayers::load(&mut loaded.device, &source, BASE).await.is_err());
        assert_eq!(loaded.device.allocated(), before);
    });
}
