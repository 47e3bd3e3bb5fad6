//! Devices: the processors and GPUs that this build and this machine have.

use crate::error::{Error, Hint, Result};
use candle_core::{Device, DeviceLocation, utils};

/// The device that a model is to compute on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first of CUDA, Metal and CPU that this build has, that answers, and that the model can use. For a decoder-only
    /// model that is the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A CUDA device by its number.
    Cuda(usize),
    /// The first Metal device.
    Metal,
}

impl DeviceChoice {
    /// Opens the device of this choice.
    ///
    /// # Errors
    /// Of kind `Usage` for a device that is not built in or does not answer; nothing else is taken in its place.
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

/// Names a device as the option `--device` does: `cpu`, `cuda:0`, `metal`.
pub fn name(device: &Device) -> String {
    match device.location() {
        DeviceLocation::Cpu => "cpu".to_owned(),
        DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        DeviceLocation::Metal { .. } => "metal".to_owned(),
    }
}

/// Lists the GPUs that this build can use and that answer.
pub fn gpus() -> Vec<Device> {
    let cuda = (0..).map_while(|number| Device::new_cuda(number).ok());
    cuda.chain(Device::new_metal(0)).collect()
}

/// The maker's name of a CUDA device, such as `NVIDIA H100 80GB HBM3`.
#[cfg(feature = "cuda")]
pub fn product(device: &Device) -> Option<String> {
    device.as_cuda_device().ok()?.cuda_stream().context().name().ok()
}

/// The maker's name of a device; none here, because only CUDA tells it.
#[cfg(not(feature = "cuda"))]
pub fn product(_device: &Device) -> Option<String> {
    None
}

/// Whether a GPU computes in bfloat16: NVIDIA's do from compute capability 8 (Ampere) on, Apple's all do.
pub fn has_bf16(device: &Device) -> bool {
    #[cfg(feature = "cuda")]
    if let Ok(device) = device.as_cuda_device() {
        let capability = device.cuda_stream().context().compute_capability();
        return capability.is_ok_and(|(major, _)| major >= 8);
    }
    !device.is_cpu()
}
