//! Devices: the CPU and the GPUs on which this build can compute on this machine.

use crate::error::{Error, Hint, Result};
use candle_core::{Device, DeviceLocation, utils};

/// The user's choice of the device that computes a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first of CUDA, Metal and CPU that is built in, answers, and can compute the model. Decoder-only models are
    /// computed on the CPU only.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device with this number, counted from 0.
    Cuda(usize),
    /// The first Metal device.
    Metal,
}

impl DeviceChoice {
    /// Opens the chosen device.
    ///
    /// # Errors
    /// Fails with an error of kind `Usage` if the device is not built in or does not answer; no other device is used
    /// instead.
    pub fn open(self) -> Result<Device> {
        let (opened, name, feature, built) = match self {
            Self::Auto => {
                let found = Device::new_cuda(0).or_else(|_| Device::new_metal(0));
                return Ok(found.unwrap_or(Device::Cpu));
            }
            Self::Cpu => return Ok(Device::Cpu),
            Self::Cuda(number) => (
                Device::new_cuda(number),
                format!("CUDA device {number}"),
                "cuda",
                utils::cuda_is_available(),
            ),
            Self::Metal => (
                Device::new_metal(0),
                "the Metal device".to_owned(),
                "metal",
                utils::metal_is_available(),
            ),
        };
        if !built {
            return Err(Error::usage(format!("this build of plae computes without {feature}"))
                .hint(Hint::BuildWithFeature(feature)));
        }
        opened.map_err(|error| {
            let text = error.to_string();
            Error::usage(format!(
                "{name} does not answer: {}",
                text.lines().next().unwrap_or_default()
            ))
            .hint(Hint::ListDevices)
            .source(error)
        })
    }
}

/// Gives a device's name in the spelling of the option `--device`: `cpu`, `cuda:0`, `metal`.
pub fn device_name(device: &Device) -> String {
    match device.location() {
        DeviceLocation::Cpu => "cpu".to_owned(),
        DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        DeviceLocation::Metal { .. } => "metal".to_owned(),
    }
}

/// Lists the GPUs that this build supports and that answer.
pub fn list_gpus() -> Vec<Device> {
    let cuda = (0..).map_while(|number| Device::new_cuda(number).ok());
    cuda.chain(Device::new_metal(0)).collect()
}

/// Gives the product name of a CUDA device, such as `NVIDIA H100 80GB HBM3`; none if the device does not tell it.
#[cfg(feature = "cuda")]
pub fn product_name(device: &Device) -> Option<String> {
    device.as_cuda_device().ok()?.cuda_stream().context().name().ok()
}

/// Gives the product name of a device: always none in a build without CUDA, since only CUDA devices tell it.
#[cfg(not(feature = "cuda"))]
pub fn product_name(_device: &Device) -> Option<String> {
    None
}

/// Whether a device is a GPU that computes in bfloat16: NVIDIA's do from compute capability 8 (Ampere) on, Apple's
/// all do.
pub fn has_bf16(device: &Device) -> bool {
    #[cfg(feature = "cuda")]
    if let Ok(device) = device.as_cuda_device() {
        let capability = device.cuda_stream().context().compute_capability();
        return capability.is_ok_and(|(major, _)| major >= 8);
    }
    !device.is_cpu()
}
