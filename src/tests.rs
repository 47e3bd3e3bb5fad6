//! The shape of the crate: imports run from higher rooms down to lower ones, as `lib.rs` says, and never in a circle of files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each module of the crate by its path (`memory::exchange::tmx`), with its text; test modules left out.
fn modules() -> BTreeMap<String, String> {
    fn walk(directory: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(directory).expect("a source directory") {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let module = match (prefix, name.as_str()) {
                (_, "lib" | "main" | "tests") => continue,
                ("", name) => name.to_owned(),
                (prefix, "mod") => prefix.to_owned(),
                (prefix, name) => format!("{prefix}::{name}"),
            };
            if path.is_dir() {
                walk(&path, &module, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.insert(module, fs::read_to_string(&path).expect("a source file"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    found
}

/// The paths that a list of imports stands for: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn flatten(import: &str) -> Vec<String> {
    let Some((prefix, list)) = import.split_once('{') else {
        return vec![import.to_owned()];
    };
    let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                paths.extend(flatten(&list[start..at]).iter().map(|path| format!("{prefix}{path}")));
                start = at + 1;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    paths
}

/// The modules that a module imports from. A parent is made of its children, so that its imports from them do not count.
fn imports(module: &str, text: &str, all: &BTreeMap<String, String>) -> BTreeSet<String> {
    let code: Vec<&str> = text
        .lines()
        .take_while(|line| *line != "mod tests {")
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join(" ");
    let statements = code
        .split(';')
        .filter_map(|statement| statement.rsplit_once("use "))
        .map(|(_, path)| path);
    let inline = code.split("crate::").skip(1).map(|rest| {
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
            .unwrap_or(rest.len());
        format!("crate::{}", &rest[..end])
    });
    let paths = statements.flat_map(|path| flatten(&path.replace(' ', "")));
    let mut found = BTreeSet::new();
    for path in paths.chain(inline) {
        let (mut base, mut rest) = (module, path.as_str());
        while let Some(above) = rest.strip_prefix("super::") {
            (base, rest) = (base.rsplit_once("::").map_or("", |(parent, _)| parent), above);
        }
        let mut target = match path.strip_prefix("crate::") {
            Some(path) => path.to_owned(),
            None if rest == path => continue,
            None => format!("{base}::{rest}"),
        };
        while !target.is_empty() && !all.contains_key(&target) {
            target = target
                .rsplit_once("::")
                .map_or_else(String::new, |(parent, _)| parent.to_owned());
        }
        if !target.is_empty() && target != module && !target.starts_with(&format!("{module}::")) {
            found.insert(target);
        }
    }
    found
}

/// The rows of the table in `lib.rs`: each room with its layer and the rooms that it uses.
fn rooms() -> BTreeMap<String, (u32, BTreeSet<String>)> {
    let names = |cell: &str| -> BTreeSet<String> {
        let names = cell.split('`').skip(1).step_by(2);
        names.map(|name| name.trim_start_matches("mod@").to_owned()).collect()
    };
    let mut rooms = BTreeMap::new();
    for line in include_str!("lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
    {
        let cells: Vec<&str> = line.split(" | ").collect();
        if let (Ok(layer), Some(uses)) = (cells[0].parse(), cells.get(3)) {
            rooms.extend(names(cells[1]).into_iter().map(|room| (room, (layer, names(uses)))));
        }
    }
    rooms
}

#[test]
fn imports_run_down_and_are_those_of_the_table() {
    let (modules, rooms) = (modules(), rooms());
    let room_of = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, text) in &modules {
        let room = room_of(module);
        for import in imports(module, text, &modules) {
            let other = room_of(&import);
            if other != room {
                assert!(
                    rooms[&other].0 < rooms[&room].0,
                    "{module} imports from {import}, which is no lower room"
                );
                used.entry(room.clone()).or_default().insert(other);
            }
        }
    }
    for (room, (_, uses)) in &rooms {
        assert_eq!(
            &used.remove(room).unwrap_or_default(),
            uses,
            "what `{room}` uses, in lib.rs"
        );
    }
    assert!(used.is_empty(), "rooms that lib.rs does not have: {used:?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let modules = modules();
    let mut arrows: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (module, text) in &modules {
        arrows.insert(module, imports(module, text, &modules));
    }
    // A file that imports from no file that is left is in no circle.
    while let Some(free) = arrows.keys().find(|module| {
        arrows[*module]
            .iter()
            .all(|target| !arrows.contains_key(target.as_str()))
    }) {
        let free = *free;
        arrows.remove(free);
    }
    assert!(
        arrows.is_empty(),
        "in a circle, or importing from one: {:?}",
        arrows.keys()
    );
}

#[test]
fn every_file_says_its_responsibility() {
    for (module, text) in modules() {
        assert!(
            text.starts_with("//! "),
            "{module} does not begin with a line of documentation"
        );
    }
}
