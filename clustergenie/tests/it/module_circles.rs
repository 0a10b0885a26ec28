//! Top-level modules of a crate form no circle, so that each can be understood with what it imports alone.
//!
//! Read from the sources: whoever writes `crate::name` imports the module `name`. Tests may look at
//! everything, and so may the root of a crate.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use crate::metadata::packages;

/// Crates with circles that are still to be broken. One without a circle must leave this list.
const TO_BE_BROKEN: [&str; 0] = [];

/// Crates whose root declares its modules in layers: each imports only what is declared above it.
const LAYERED: [&str; 1] = ["api"];

/// The modules that each module imports, each with a file that does so.
type Imports = BTreeMap<String, BTreeMap<String, PathBuf>>;

#[test]
fn modules_form_no_circles() {
    for (name, folder) in crates() {
        let circle = circle(&imports(&folder));
        if TO_BE_BROKEN.contains(&name.as_str()) {
            assert!(
                circle.is_some(),
                "{name} has no circle any more: take it out of the list of those to be broken"
            );
        } else if let Some(circle) = circle {
            panic!("modules of {name} import each other in a circle:\n{circle}");
        }
    }
}

#[test]
fn modules_in_layers_import_only_what_is_above_them() {
    for (name, folder) in crates() {
        if !LAYERED.contains(&name.as_str()) {
            continue;
        }
        let root = fs::read_to_string(folder.join("lib.rs")).unwrap();
        let order: Vec<_> = root.lines().filter_map(declared).collect();
        for (module, imported) in imports(&folder) {
            let place = |module: &str| order.iter().position(|declared| *declared == module);
            for (below, file) in imported {
                assert!(
                    place(&below) < place(&module),
                    "{name}: {} imports `{below}`, which lib.rs declares below `{module}`",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn imports_are_found_however_they_are_written() {
    let source = "
        use crate::one::{Thing, other};
        use crate::{two, three::{self, Four}};
        use super::five;
        use super::super::six;
        // crate::comment
        fn f() -> crate::seven::Kind { $crate::eight!(); mycrate::no::f() }
        #[cfg(test)]
        mod declared;
        #[cfg(test)]
        mod tests { use crate::nine; }
    ";
    let found = |depth| imported(source, depth).into_iter().collect::<Vec<_>>();
    let always = ["eight", "one", "seven", "three", "two"];
    assert_eq!(found(3), always);
    assert_eq!(found(1), ["eight", "five", "one", "seven", "three", "two"]);
    assert_eq!(found(2), ["eight", "one", "seven", "six", "three", "two"]);
}

#[test]
fn a_circle_is_found_and_shown() {
    let arrow = |to: &str| (to.to_owned(), PathBuf::from(format!("to_{to}.rs")));
    let arrows = [("a", vec!["b"]), ("b", vec!["c", "d"]), ("c", vec!["a"])];
    let mut imports: Imports = arrows
        .into_iter()
        .map(|(from, to)| (from.to_owned(), to.into_iter().map(arrow).collect()))
        .collect();
    let shown = "a -> b (to_b.rs)\nb -> c (to_c.rs)\nc -> a (to_a.rs)";
    assert_eq!(circle(&imports).as_deref(), Some(shown));
    imports.remove("c");
    assert_eq!(circle(&imports), None);
}

/// The name and the source folder of every crate.
pub(crate) fn crates() -> Vec<(String, PathBuf)> {
    let packages = packages(&["--no-deps", "--offline"]).into_iter();
    let crates = packages.map(|package| {
        let folder = package.manifest_path.parent();
        let folder = folder.expect("a manifest is in a folder");
        (package.name, folder.join("src"))
    });
    crates.collect()
}

/// The module that a line declares, if it declares one in a file of its own.
fn declared(line: &str) -> Option<&str> {
    let line = line.strip_suffix(';')?;
    line.strip_prefix("pub mod ")
        .or_else(|| line.strip_prefix("pub(crate) mod "))
        .or_else(|| line.strip_prefix("mod "))
}

/// Which top-level modules of a crate import which others.
fn imports(source_folder: &Path) -> Imports {
    let mut found: BTreeMap<String, Vec<(String, PathBuf)>> = BTreeMap::new();
    for file in sources(source_folder) {
        let inside = file.strip_prefix(source_folder).expect("it is in there");
        let inside = inside.with_extension("");
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        let [module, ..] = &parts[..] else { continue };
        if ["lib", "main"].contains(&&**module) || parts.last().is_some_and(|last| last == "tests")
        {
            continue;
        }
        let source = fs::read_to_string(&file).unwrap();
        let all = found.entry(module.to_string()).or_default();
        for name in imported(&source, parts.len()) {
            all.push((name, file.clone()));
        }
    }
    let modules: BTreeSet<_> = found.keys().cloned().collect();
    let only_modules = |(module, all): (String, Vec<(String, PathBuf)>)| {
        let others = all
            .into_iter()
            .filter(|(name, _)| *name != module && modules.contains(name));
        let others = others.collect();
        (module, others)
    };
    found.into_iter().map(only_modules).collect()
}

/// What a source imports from the root of its crate, tests left out. It is so many modules deep.
fn imported(source: &str, depth: usize) -> BTreeSet<String> {
    let code: String = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default().trim())
        .collect::<Vec<_>>()
        .join("\n");
    let code = match code.split_once("#[cfg(test)]\nmod tests {") {
        Some((code, _)) => code,
        None => &code,
    };
    let to_the_root = "super::".repeat(depth);
    let mut names = BTreeSet::new();
    for prefix in ["crate::", &to_the_root] {
        for (at, _) in code.match_indices(prefix) {
            let before = code[..at].chars().next_back();
            let goes_on = before.is_some_and(|char| char == ':' || is_of_name(char));
            if !goes_on {
                names.extend(first_names(&code[at + prefix.len()..]));
            }
        }
    }
    names.remove("super");
    names
}

/// The names that a path begins with: one, or those of a list in braces.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|char| is_of_name(*char)).collect();
    let Some(list) = path.strip_prefix('{') else {
        return vec![name(path)];
    };
    let mut names = vec![name(list.trim_start())];
    let mut open = 0_usize;
    for (at, char) in list.char_indices() {
        match char {
            '{' => open += 1,
            '}' if open == 0 => break,
            '}' => open -= 1,
            ',' if open == 0 => names.push(name(list[at + 1..].trim_start())),
            _ => {}
        }
    }
    names
}

fn is_of_name(char: char) -> bool {
    char == '_' || char.is_ascii_alphanumeric()
}

/// The shortest circle through the first module that is in one, an arrow a line.
fn circle(imports: &Imports) -> Option<String> {
    imports.keys().find_map(|start| {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut next = VecDeque::from([start.as_str()]);
        while let Some(module) = next.pop_front() {
            for to in imports.get(module).into_iter().flat_map(BTreeMap::keys) {
                if to == start {
                    return Some(shown(imports, &came_from, start, module));
                }
                if !came_from.contains_key(to.as_str()) {
                    came_from.insert(to, module);
                    next.push_back(to);
                }
            }
        }
        None
    })
}

fn shown(imports: &Imports, came_from: &BTreeMap<&str, &str>, start: &str, last: &str) -> String {
    let mut path = vec![start, last];
    let mut module = last;
    while module != start {
        module = came_from[module];
        path.push(module);
    }
    path.reverse();
    let arrows = path.windows(2).map(|arrow| {
        let file = &imports[arrow[0]][arrow[1]];
        format!("{} -> {} ({})", arrow[0], arrow[1], file.display())
    });
    arrows.collect::<Vec<_>>().join("\n")
}

/// The Rust files of a folder and of those in it.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("sources are there");
    let paths = entries.map(|entry| entry.expect("they can be listed").path());
    let nested = paths.map(|path| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(extension) if extension == "rs" => vec![path],
        Some(_) | None => Vec::new(),
    });
    nested.flatten().collect()
}
