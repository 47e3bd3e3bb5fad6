//! The colours and weights of what is printed to a terminal.

use clap::builder::styling::{AnsiColor, Style};

pub const ERROR_STYLE: Style = AnsiColor::Red.on_default().bold();
pub const WARNING_STYLE: Style = AnsiColor::Yellow.on_default().bold();
pub const HINT_STYLE: Style = AnsiColor::Cyan.on_default().bold();
pub const GOOD_STYLE: Style = AnsiColor::Green.on_default().bold();
pub const FAINT_STYLE: Style = Style::new().dimmed();
/// All styles that plae prints.
pub const STYLES: [Style; 5] = [ERROR_STYLE, WARNING_STYLE, HINT_STYLE, GOOD_STYLE, FAINT_STYLE];
