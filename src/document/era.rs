//! Eras: how the years of a Thai source are written in English.

use serde::{Deserialize, Serialize};

/// The era in which the years of a source are written in its translation. Thai texts count years in the Buddhist era,
/// 543 years ahead of the common era.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Era {
    /// The common era: 2023. The default.
    #[default]
    Ce,
    /// The Buddhist era: B.E. 2566.
    Be,
    /// Both: 2023 (B.E. 2566).
    Both,
    /// The era of the source is kept: B.E. 2566 for พ.ศ. 2566, 2023 for ค.ศ. 2023.
    Keep,
}

impl Era {
    /// All eras, the default first.
    pub const ALL: [Self; 4] = [Self::Ce, Self::Be, Self::Both, Self::Keep];

    /// Whether this is the default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
