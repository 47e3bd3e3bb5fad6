//! The articles of a plan, in little memory: there may be any number of them.

use super::Article;
use crate::document::Format;
use crate::render::OutputFormat;
use std::collections::HashMap;
use std::path::PathBuf;

/// Ends a name; no path has it.
const END: char = '\0';

/// Articles below one directory, all written in the same formats.
#[derive(Clone, Debug)]
pub struct Articles {
    root: PathBuf,
    formats: Vec<OutputFormat>,
    /// Of each article its place, and its outputs in the order of `formats`.
    names: String,
    /// Where each article begins in `names`, and how it is read.
    starts: Vec<(usize, Format)>,
    /// By number, the paths that cannot be told from the place: those that are not Unicode.
    odd: HashMap<usize, PathBuf>,
}

impl Articles {
    /// No articles yet, of those below `root`.
    pub fn new(root: PathBuf, formats: Vec<OutputFormat>) -> Self {
        Self {
            root,
            formats,
            names: String::new(),
            starts: Vec::new(),
            odd: HashMap::new(),
        }
    }

    /// Adds an article, whose outputs are in the formats of all, in their order.
    pub fn push(&mut self, article: Article) {
        debug_assert!(article.outputs.iter().map(|(format, _)| format).eq(&self.formats));
        if article.path != self.root.join(&article.place) {
            self.odd.insert(self.len(), article.path);
        }
        self.starts.push((self.names.len(), article.format));
        let outputs = article.outputs.into_iter().map(|(_, path)| path);
        for name in std::iter::once(article.place).chain(outputs) {
            self.names.push_str(&name);
            self.names.push(END);
        }
    }

    pub fn len(&self) -> usize {
        self.starts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The article of this number, counted from 0.
    pub fn get(&self, index: usize) -> Option<Article> {
        let (start, format) = *self.starts.get(index)?;
        let mut names = self.names[start..].split(END);
        let place = names.next()?.to_owned();
        let path = self.odd.get(&index);
        Some(Article {
            path: path.cloned().unwrap_or_else(|| self.root.join(&place)),
            place,
            format,
            outputs: self.formats.iter().copied().zip(names.map(str::to_owned)).collect(),
        })
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = Article> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_come_back_as_they_were() {
        let formats = [OutputFormat::Html, OutputFormat::Docx];
        let article = |place: &str, path: &str, format| Article {
            place: place.to_owned(),
            path: PathBuf::from(path),
            format,
            outputs: formats
                .map(|format| (format, format!("{place}.{}", format.name())))
                .to_vec(),
        };
        let all = [
            article("a.txt", "in/a.txt", Format::Text),
            article("ข่าว/b", "in/ข่าว/b", Format::Markdown),
            article("not\u{fffd}unicode", "in/other", Format::Text),
            article("", "in", Format::Html),
        ];
        let mut articles = Articles::new(PathBuf::from("in"), formats.to_vec());
        assert!(articles.is_empty());
        all.iter().for_each(|article| articles.push(article.clone()));
        assert_eq!(articles.len(), all.len());
        assert_eq!(articles.iter().collect::<Vec<_>>(), all);
        assert_eq!(articles.get(all.len()), None);
        assert_eq!(articles.odd.len(), 1);
    }
}
