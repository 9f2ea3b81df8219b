//! Joins each kernel in shaders/ with its imports for each line of shaders/variants, validates the result with naga, and
//! reflects it into a typed table: a struct a kernel with its bindings and parameters, and the list of variants.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The weight formats, as `weights=*` expands: name in shaders/, variant of `DType`.
const FORMATS: [(&str, &str); 11] = [
    ("f32", "F32"),
    ("f16", "F16"),
    ("bf16", "BF16"),
    ("q4_0", "Q4_0"),
    ("q4_1", "Q4_1"),
    ("q5_0", "Q5_0"),
    ("q5_1", "Q5_1"),
    ("q8_0", "Q8_0"),
    ("q4_k", "Q4_K"),
    ("q5_k", "Q5_K"),
    ("q6_k", "Q6_K"),
];

/// One line of shaders/variants, expanded: a choice for each slot.
struct Variant {
    stem: String,
    choices: Vec<(String, String)>,
    needs: Vec<String>,
}

/// What reflection finds in a kernel; the same for all variants of a stem.
#[derive(PartialEq, Clone)]
struct Shape {
    uniform: bool,
    /// Name and whether the kernel writes it, in order of binding number.
    bindings: Vec<(String, bool)>,
    /// Name and type (`u32` or `f32`) of the parameters.
    params: Vec<(String, &'static str)>,
    workgroup: [u32; 3],
}

fn main() -> Result<()> {
    let shaders = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../shaders");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", shaders.display());
    println!("cargo::rerun-if-changed=build.rs");

    let mut shapes: BTreeMap<String, Shape> = BTreeMap::new();
    let mut docs: BTreeMap<String, String> = BTreeMap::new();
    let mut table = String::new();
    for variant in variants(&fs::read_to_string(shaders.join("variants"))?)? {
        let name = variant.choices.iter().fold(variant.stem.clone(), |name, (_, choice)| format!("{name}.{choice}"));
        let joined = join(&shaders, &variant)?;
        let shape = reflect(&name, &joined)?;
        let file = out.join(format!("{name}.wgsl"));
        fs::write(&file, &joined)?;
        let kernel = fs::read_to_string(shaders.join(format!("{}.wgsl", variant.stem)))?;
        docs.insert(variant.stem.clone(), header(&kernel));
        if shapes.get(&variant.stem).is_some_and(|other| *other != shape) {
            return Err(format!("{name}: its bindings or parameters differ from those of its siblings").into());
        }
        shapes.insert(variant.stem.clone(), shape.clone());
        write_variant(&mut table, &variant, &name, &shape, &file)?;
    }

    let mut code = String::new();
    write_stems(&mut code, shapes.keys())?;
    for (stem, shape) in &shapes {
        write_kernel(&mut code, stem, shape, &docs[stem])?;
    }
    writeln!(
        code,
        "/// Every kernel variant, in the order of shaders/variants.\npub static VARIANTS: &[Variant] = &[\n{table}];"
    )?;
    fs::write(out.join("kernels.rs"), code)?;
    Ok(())
}

/// Reads shaders/variants and expands each line.
fn variants(text: &str) -> Result<Vec<Variant>> {
    let mut all = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let stem = words.next().ok_or("a line without a stem")?.to_owned();
        let mut expanded = vec![Vec::new()];
        let mut needs = Vec::new();
        for word in words {
            if let Some(feature) = word.strip_prefix("needs:") {
                needs.extend(feature.split(',').map(str::to_owned));
                continue;
            }
            let (slot, choices) = word.split_once('=').ok_or_else(|| format!("`{word}` is not slot=choice"))?;
            let choices: Vec<&str> = match choices {
                "*" => FORMATS.iter().map(|(name, _)| *name).collect(),
                list => list.split(',').collect(),
            };
            expanded = expanded
                .into_iter()
                .flat_map(|chosen: Vec<(String, String)>| {
                    choices.iter().map(move |choice| {
                        let mut chosen = chosen.clone();
                        chosen.push((slot.to_owned(), (*choice).to_owned()));
                        chosen
                    })
                })
                .collect();
        }
        all.extend(expanded.into_iter().map(|choices| Variant { stem: stem.clone(), choices, needs: needs.clone() }));
    }
    Ok(all)
}

/// The kernel's text with its imports in place, and `enable` lines first, as WGSL wants them.
fn join(shaders: &Path, variant: &Variant) -> Result<String> {
    let mut joined = Joined { shaders, variant, enables: String::new(), body: String::new(), used: 0 };
    joined.add(&format!("{}.wgsl", variant.stem))?;
    if joined.used != variant.choices.len() {
        return Err(format!("{}: a slot is chosen that the kernel does not import", variant.stem).into());
    }
    Ok(joined.enables + &joined.body)
}

/// A kernel as it is put together.
struct Joined<'a> {
    shaders: &'a Path,
    variant: &'a Variant,
    enables: String,
    body: String,
    /// Slots filled so far.
    used: usize,
}

impl Joined<'_> {
    /// Adds a file: `// import slot` stands for the variant's choice, `// include name` for shared/name.wgsl.
    fn add(&mut self, file: &str) -> Result<()> {
        let path = self.shaders.join(file);
        for line in fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?.lines() {
            if let Some(slot) = line.strip_prefix("// import ") {
                let choice = self.variant.choices.iter().find(|(name, _)| name == slot);
                let (_, choice) =
                    choice.ok_or_else(|| format!("{}: nothing chosen for slot `{slot}`", self.variant.stem))?;
                self.used += 1;
                self.add(&format!("shared/{slot}_{choice}.wgsl"))?;
            } else if let Some(name) = line.strip_prefix("// include ") {
                self.add(&format!("shared/{name}.wgsl"))?;
            } else {
                let to = if line.starts_with("enable ") { &mut self.enables } else { &mut self.body };
                writeln!(to, "{line}")?;
            }
        }
        Ok(())
    }
}

/// Validates a kernel and reads its bindings, parameters and workgroup size.
fn reflect(name: &str, source: &str) -> Result<Shape> {
    // naga has the operations but does not know this directive yet; browsers require it.
    let source = source.replace("enable subgroups;", "");
    let module =
        naga::front::wgsl::parse_str(&source).map_err(|error| format!("{name}: {}", error.emit_to_string(&source)))?;
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::all())
        .subgroup_stages(naga::valid::ShaderStages::COMPUTE)
        .subgroup_operations(naga::valid::SubgroupOperationSet::all())
        .validate(&module)
        .map_err(|error| format!("{name}: {}", error.emit_to_string(&source)))?;
    let entry = module.entry_points.first().ok_or_else(|| format!("{name}: no entry point"))?;
    let mut shape = Shape { uniform: false, bindings: Vec::new(), params: Vec::new(), workgroup: entry.workgroup_size };
    let mut found = BTreeMap::new();
    for (_, global) in module.global_variables.iter() {
        let Some(binding) = &global.binding else { continue };
        let label = global.name.clone().ok_or_else(|| format!("{name}: a binding without a name"))?;
        match global.space {
            naga::AddressSpace::Uniform => {
                shape.uniform = true;
                shape.params = params(&module, global.ty)?;
            }
            naga::AddressSpace::Storage { access } => {
                found.insert(binding.binding, (label, access.contains(naga::StorageAccess::STORE)));
            }
            _ => return Err(format!("{name}: `{label}` is in an address space that is not used here").into()),
        }
    }
    let first = u32::from(shape.uniform);
    if found.keys().zip(first..).any(|(number, expected)| *number != expected) || found.len() > 8 {
        return Err(format!("{name}: storage bindings must be numbered on from {first}, eight at most").into());
    }
    shape.bindings = found.into_values().collect();
    Ok(shape)
}

fn params(module: &naga::Module, ty: naga::Handle<naga::Type>) -> Result<Vec<(String, &'static str)>> {
    let naga::TypeInner::Struct { members, .. } = &module.types[ty].inner else {
        return Err("parameters must be a struct".into());
    };
    members
        .iter()
        .map(|member| {
            let kind = match module.types[member.ty].inner {
                naga::TypeInner::Scalar(naga::Scalar { kind: naga::ScalarKind::Uint, width: 4 }) => "u32",
                naga::TypeInner::Scalar(naga::Scalar { kind: naga::ScalarKind::Float, width: 4 }) => "f32",
                _ => return Err("parameters are u32 or f32".into()),
            };
            Ok((member.name.clone().unwrap_or_default(), kind))
        })
        .collect()
}

/// The comment at a kernel's head.
fn header(kernel: &str) -> String {
    kernel.lines().map_while(|line| line.strip_prefix("// ")).collect::<Vec<_>>().join("\n")
}

/// `rope_cache` as `RopeCache`.
fn camel(stem: &str) -> String {
    stem.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect()
}

fn write_stems<'a>(code: &mut String, stems: impl Iterator<Item = &'a String>) -> Result<()> {
    let stems: Vec<_> = stems.collect();
    writeln!(
        code,
        "/// The kernels, by the stem of their files.\n#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]\npub enum Stem {{"
    )?;
    for stem in &stems {
        writeln!(code, "    /// `{stem}.wgsl`\n    {},", camel(stem))?;
    }
    writeln!(code, "}}\n")?;
    writeln!(
        code,
        "impl Stem {{\n    /// The name of the file, without its ending.\n    pub const fn name(self) -> &'static str {{\n        match self {{"
    )?;
    for stem in &stems {
        writeln!(code, "            Self::{} => \"{stem}\",", camel(stem))?;
    }
    writeln!(code, "        }}\n    }}\n}}\n")?;
    Ok(())
}

fn write_kernel(code: &mut String, stem: &str, shape: &Shape, doc: &str) -> Result<()> {
    let name = camel(stem);
    for line in doc.lines() {
        writeln!(code, "/// {}", line.replace('[', "\\[").replace(']', "\\]"))?;
    }
    writeln!(code, "#[derive(Debug, Clone, Copy)]\npub struct {name} {{")?;
    for (binding, written) in &shape.bindings {
        let how = if *written { "Written" } else { "Read" };
        writeln!(code, "    /// {how}: `{binding}` of the kernel.\n    pub {binding}: Slice,")?;
    }
    for (param, kind) in &shape.params {
        writeln!(code, "    /// Parameter `{param}` of the kernel.\n    pub {param}: {kind},")?;
    }
    writeln!(code, "}}\n")?;
    let slices: Vec<_> = shape.bindings.iter().map(|(binding, _)| format!("self.{binding}")).collect();
    let words: Vec<_> = shape
        .params
        .iter()
        .map(|(param, kind)| if *kind == "f32" { format!("self.{param}.to_bits()") } else { format!("self.{param}") })
        .collect();
    writeln!(code, "impl Kernel for {name} {{\n    const STEM: Stem = Stem::{name};\n")?;
    writeln!(code, "    fn slices(&self) -> Vec<Slice> {{\n        vec![{}]\n    }}\n", slices.join(", "))?;
    writeln!(code, "    fn words(&self) -> Vec<u32> {{\n        vec![{}]\n    }}\n", words.join(", "))?;
    writeln!(code, "    fn read(slices: &[Slice], words: &[u32]) -> Option<Self> {{")?;
    writeln!(code, "        let (mut slices, mut words) = (slices.iter().copied(), words.iter().copied());")?;
    if shape.params.is_empty() {
        writeln!(code, "        let _ = &mut words;")?;
    }
    writeln!(code, "        Some(Self {{")?;
    for (binding, _) in &shape.bindings {
        writeln!(code, "            {binding}: slices.next()?,")?;
    }
    for (param, kind) in &shape.params {
        let from = if *kind == "f32" { "f32::from_bits(words.next()?)" } else { "words.next()?" };
        writeln!(code, "            {param}: {from},")?;
    }
    writeln!(code, "        }})\n    }}\n}}\n")?;
    Ok(())
}

fn write_variant(table: &mut String, variant: &Variant, name: &str, shape: &Shape, file: &Path) -> Result<()> {
    let choice = |slot: &str| variant.choices.iter().find(|(name, _)| name == slot).map(|(_, choice)| choice.as_str());
    let weights = match choice("weights") {
        Some(format) => {
            let (_, dtype) = FORMATS.iter().find(|(name, _)| *name == format).ok_or("an unknown weight format")?;
            format!("Some(DType::{dtype})")
        }
        None => "None".to_owned(),
    };
    let kv = match choice("kv").or(choice("store")) {
        Some("f32") => "Some(KvType::F32)",
        Some("f16") => "Some(KvType::F16)",
        _ => "None",
    };
    let written: Vec<_> = shape.bindings.iter().map(|(_, written)| written.to_string()).collect();
    writeln!(
        table,
        "    Variant {{ stem: Stem::{}, name: {name:?}, weights: {weights}, kv: {kv}, subgroups: {}, f16: {}, \
         software: {}, uniform: {}, written: &[{}], workgroup: {:?}, source: include_str!({:?}) }},",
        camel(&variant.stem),
        variant.needs.iter().any(|need| need == "subgroups"),
        variant.needs.iter().any(|need| need == "f16"),
        variant.needs.iter().any(|need| need == "software"),
        shape.uniform,
        written.join(", "),
        shape.workgroup,
        file.display().to_string(),
    )?;
    Ok(())
}
