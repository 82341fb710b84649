//! Compiles `proto/` without protoc. Stores the descriptor set exactly as the compiler encoded it, because encoding it
//! again with prost would drop the method options that declare roles.

use std::{env, fs, path::PathBuf};

use protox::prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());

    let mut files: Vec<PathBuf> = fs::read_dir(root.join("rollcall/v1"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "proto"));
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let encoded = compiler.encode_file_descriptor_set();
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("rollcall_descriptor.bin"), &encoded)?;

    let set = protox::prost_reflect::prost_types::FileDescriptorSet::decode(encoded.as_slice())?;
    // Maps need a fixed order: a repeated request must get the bytes of the first response.
    tonic_prost_build::configure().btree_map(".").compile_fds(set)?;
    Ok(())
}
