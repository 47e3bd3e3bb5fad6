//! What the attributes of an HTML tag say about the text inside: whether it is shown, translated, code, or above the
//! line.

use crate::document::script::Script;

/// The facts about an element's text that the attributes of its start tag tell.
#[derive(Clone, Copy, Default)]
pub(super) struct TagAttributes {
    /// Whether the author asks for no translation (`translate="no"` or the class `notranslate`).
    pub is_fixed: bool,
    /// Whether a browser does not show the element (`hidden`, `display: none`, `visibility: hidden`). Text with
    /// `aria-hidden` is shown.
    pub is_hidden: bool,
    /// Whether a class says that the element shows code, as programs that highlight code write it.
    pub is_code: bool,
    /// Whether the style sets the text above or below the line, as word processors write it.
    pub script: Option<Script>,
}

/// The names of the attributes that [`TagAttributes::read`] understands.
const KNOWN_ATTRIBUTES: [&[u8]; 4] = [b"class", b"hidden", b"style", b"translate"];

/// The beginnings of classes that mark code.
const CODE_CLASSES: [&str; 9] = [
    "language-",
    "lang-",
    "highlight",
    "codehilite",
    "sourcecode",
    "prettyprint",
    "brush:",
    "hljs",
    "code",
];

impl TagAttributes {
    /// Whether the value of an attribute with this name is needed. Others, such as an embedded picture, need not be
    /// copied.
    pub fn is_known(name: &[u8]) -> bool {
        KNOWN_ATTRIBUTES.contains(&name)
    }

    /// Takes note of an attribute; `name` is in lower case.
    pub fn read(&mut self, name: &[u8], value: &[u8]) {
        let value = String::from_utf8_lossy(value).to_ascii_lowercase();
        match name {
            b"translate" => self.is_fixed |= value == "no",
            // Text that a search in the page reveals is for readers.
            b"hidden" => self.is_hidden |= value != "until-found",
            b"class" => {
                for class in value.split_ascii_whitespace() {
                    self.is_fixed |= class == "notranslate";
                    self.is_code |= CODE_CLASSES.iter().any(|code| class.starts_with(code));
                }
            }
            b"style" => self.read_style(&value),
            _ => {}
        }
    }

    /// Takes note of the declarations of a `style` attribute; of several for one property, the last counts.
    fn read_style(&mut self, style: &str) {
        let (mut is_displayed, mut is_visible) = (true, true);
        for (property, value) in style.split(';').filter_map(|declaration| declaration.split_once(':')) {
            let value = value
                .trim()
                .trim_end_matches("important")
                .trim_end_matches('!')
                .trim_end();
            match property.trim() {
                "display" => is_displayed = value != "none",
                "visibility" => is_visible = !matches!(value, "hidden" | "collapse"),
                "vertical-align" if value == "super" => self.script = Some(Script::Super),
                "vertical-align" if value == "sub" => self.script = Some(Script::Sub),
                _ => {}
            }
        }
        self.is_hidden |= !is_displayed || !is_visible;
    }
}
