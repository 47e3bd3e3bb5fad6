//! A byte trie, which finds all keys that a text begins with in one walk.

/// The value of a trie node at which no key ends.
const NO_NODE: u32 = u32::MAX;

/// A trie of byte strings with a number for each. Its nodes are stored in breadth-first order, so that the children of
/// a node are adjacent.
pub struct Trie {
    nodes: Vec<TrieNode>,
    /// The byte that leads to each node from its parent.
    labels: Vec<u8>,
    /// The node numbers of the root's children, indexed by byte. A table, since every walk begins at the root.
    roots: Box<[u32; 256]>,
}

#[derive(Clone, Copy)]
struct TrieNode {
    /// The index of the node's first child.
    child: u32,
    /// The number of children, which are sorted by their byte.
    children: u16,
    /// The value of the key that ends at the node, or [`NO_NODE`].
    value: u32,
}

impl Trie {
    /// Builds a trie of keys and their values. If a key occurs several times, its first value counts; empty keys are
    /// left out.
    pub fn new(mut keys: Vec<(&[u8], u32)>) -> Self {
        keys.retain(|(key, _)| !key.is_empty());
        keys.sort_by_key(|(key, _)| *key);
        let empty = TrieNode {
            child: 0,
            children: 0,
            value: NO_NODE,
        };
        let (mut nodes, mut labels) = (vec![empty], vec![0]);
        // For each node, the range of the keys below it and its depth in bytes.
        let mut ranges = vec![(0, keys.len(), 0)];
        let mut at = 0;
        while at < nodes.len() {
            let (mut start, end, depth) = ranges[at];
            if let Some((_, value)) = keys[start..end].first().filter(|(key, _)| key.len() == depth) {
                nodes[at].value = *value;
            }
            start += keys[start..end]
                .iter()
                .take_while(|(key, _)| key.len() == depth)
                .count();
            nodes[at].child = nodes.len() as u32;
            while start < end {
                let label = keys[start].0[depth];
                let same = keys[start..end].partition_point(|(key, _)| key[depth] == label);
                nodes.push(empty);
                labels.push(label);
                ranges.push((start, start + same, depth + 1));
                nodes[at].children += 1;
                start += same;
            }
            at += 1;
        }
        let mut roots = Box::new([NO_NODE; 256]);
        let first = nodes[0].child as usize;
        for child in first..first + usize::from(nodes[0].children) {
            roots[usize::from(labels[child])] = child as u32;
        }
        Self { nodes, labels, roots }
    }

    /// Returns the length in bytes and the value of every key that `text` begins with, the shortest first.
    pub fn matching_prefixes<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, u32)> + 'a {
        let mut at = 0;
        let mut node = 0;
        std::iter::from_fn(move || {
            loop {
                let byte = *text.get(at)?;
                node = self.child_node(node, byte)?;
                at += 1;
                let value = self.nodes[node as usize].value;
                if value != NO_NODE {
                    return Some((at, value));
                }
            }
        })
    }

    /// Returns the child of `node` that `byte` leads to.
    #[inline]
    fn child_node(&self, node: u32, byte: u8) -> Option<u32> {
        if node == 0 {
            let child = self.roots[usize::from(byte)];
            return (child != NO_NODE).then_some(child);
        }
        let TrieNode { child, children, .. } = self.nodes[node as usize];
        let labels = &self.labels[child as usize..child as usize + usize::from(children)];
        let index = if children <= 8 {
            labels.iter().position(|label| *label == byte)
        } else {
            labels.binary_search(&byte).ok()
        };
        index.map(|index| child + index as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prefixes_are_those_that_a_plain_search_finds(
            keys in prop::collection::vec("[ab\u{0e01}\u{0e02}]{0,4}", 0..20),
            text in "[ab\u{0e01}\u{0e02}]{0,6}",
        ) {
            let trie = Trie::new(keys.iter().enumerate().map(|(i, key)| (key.as_bytes(), i as u32)).collect());
            let found: Vec<_> = trie.matching_prefixes(text.as_bytes()).collect();
            let mut expected: Vec<(usize, u32)> = Vec::new();
            for len in 1..=text.len() {
                let first = keys.iter().position(|key| key.as_bytes() == &text.as_bytes()[..len]);
                expected.extend(first.map(|index| (len, index as u32)));
            }
            prop_assert_eq!(found, expected);
        }
    }
}
