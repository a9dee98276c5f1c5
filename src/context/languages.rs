//! How definitions begin in the languages that outlines are made of, as a table.

use super::listing::{extension, file_name};

/// How a language's definitions are found in its text.
pub(super) struct Language {
    extensions: &'static [&'static str],
    /// Words that may stand before a definition.
    pub(super) modifiers: &'static [&'static str],
    /// Words with which a definition begins.
    pub(super) definers: &'static [&'static str],
    /// Functions have no word of their own: a line with parentheses that ends with `{`.
    pub(super) bare_functions: bool,
    /// What a comment begins with.
    pub(super) comments: &'static [&'static str],
}

const SLASHES: &[&str] = &["//", "/*", "*"];
const HASH: &[&str] = &["#"];

const fn language(
    extensions: &'static [&'static str],
    modifiers: &'static [&'static str],
    definers: &'static [&'static str],
    bare_functions: bool,
    comments: &'static [&'static str],
) -> Language {
    Language { extensions, modifiers, definers, bare_functions, comments }
}

static LANGUAGES: &[Language] = &[
    language(
        &["rs"],
        &["pub", "async", "unsafe", "const", "extern", "default"],
        &["fn", "struct", "enum", "trait", "impl", "mod", "type", "static", "union", "macro_rules!", "impl<T>"],
        false,
        SLASHES,
    ),
    language(&["py", "pyi"], &["async"], &["def", "class"], false, HASH),
    language(
        &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte"],
        &["export", "default", "async", "abstract", "declare", "public", "private", "protected", "static", "readonly"],
        &["function", "function*", "class", "interface", "type", "enum", "namespace"],
        true,
        SLASHES,
    ),
    language(&["go"], &[], &["func", "type"], false, SLASHES),
    language(
        &["java", "cs", "kt", "kts", "scala", "swift", "dart", "groovy"],
        &[
            "public",
            "private",
            "protected",
            "internal",
            "static",
            "final",
            "abstract",
            "sealed",
            "override",
            "open",
            "partial",
            "async",
            "data",
            "inline",
            "suspend",
            "fileprivate",
            "mutating",
            "case",
            "implicit",
            "lazy",
        ],
        &[
            "class",
            "interface",
            "enum",
            "record",
            "struct",
            "fun",
            "func",
            "def",
            "object",
            "trait",
            "protocol",
            "extension",
            "namespace",
            "mixin",
            "init",
            "typealias",
        ],
        true,
        SLASHES,
    ),
    language(
        &["c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx", "m", "mm", "cu"],
        &["static", "inline", "extern", "virtual", "template", "constexpr"],
        &["struct", "class", "enum", "union", "namespace", "typedef", "#define", "@interface", "@implementation"],
        true,
        SLASHES,
    ),
    language(&["rb", "rake"], &[], &["def", "class", "module"], false, HASH),
    language(
        &["php"],
        &["public", "private", "protected", "static", "final", "abstract", "readonly"],
        &["function", "class", "interface", "trait", "enum", "namespace"],
        false,
        &["//", "/*", "*", "#"],
    ),
    language(&["sh", "bash", "zsh"], &[], &["function"], true, HASH),
    language(&["ex", "exs"], &[], &["def", "defp", "defmodule", "defmacro", "defstruct", "defprotocol"], false, HASH),
    language(&["lua"], &["local"], &["function"], false, &["--"]),
    language(&["zig"], &["pub", "export", "inline"], &["fn", "const", "test"], false, SLASHES),
    language(&["hs", "elm"], &[], &["data", "type", "newtype", "class", "instance", "module"], false, &["--"]),
    language(&["sql"], &[], &["create", "alter", "CREATE", "ALTER"], false, &["--"]),
    language(&["proto"], &[], &["message", "service", "rpc", "enum"], false, SLASHES),
    language(
        &["graphql", "gql"],
        &[],
        &["type", "input", "interface", "enum", "union", "scalar", "extend"],
        false,
        HASH,
    ),
    language(&["md", "markdown"], &[], &["#", "##", "###"], false, &["<!--"]),
];

/// The language of a file, by the ending of its name.
pub(super) fn of(path: &str) -> Option<&'static Language> {
    let extension = extension(path).to_ascii_lowercase();
    LANGUAGES.iter().find(|language| language.extensions.contains(&extension.as_str()))
}

/// Endings of text files besides those of the languages, by which a word is known to name a file.
const OTHER_TEXT: &[&str] = &[
    "adoc",
    "bat",
    "bazel",
    "cfg",
    "cmake",
    "conf",
    "css",
    "csv",
    "gradle",
    "hcl",
    "htm",
    "html",
    "ini",
    "ipynb",
    "j2",
    "jinja",
    "json",
    "json5",
    "jsonl",
    "less",
    "lock",
    "mdx",
    "nix",
    "org",
    "plist",
    "properties",
    "ps1",
    "rst",
    "sass",
    "scss",
    "service",
    "tera",
    "tf",
    "tmpl",
    "toml",
    "txt",
    "xml",
    "yaml",
    "yml",
];

/// Names of files without an ending.
const BARE_NAMES: &[&str] = &[
    "BUILD",
    "Brewfile",
    "CODEOWNERS",
    "Caddyfile",
    "Containerfile",
    "Dockerfile",
    "Gemfile",
    "Jenkinsfile",
    "LICENSE",
    "Makefile",
    "NOTICE",
    "Procfile",
    "Rakefile",
    "Vagrantfile",
    "justfile",
];

/// Products whose names look like files.
const PRODUCTS: &[&str] = &[
    "asp.net",
    "chart.js",
    "d3.js",
    "discord.js",
    "ember.js",
    "express.js",
    "next.js",
    "node.js",
    "nuxt.js",
    "react.js",
    "socket.io",
    "three.js",
    "vue.js",
];

/// Whether a name is that of a text file: by its ending, or by itself.
pub(super) fn is_file_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if PRODUCTS.contains(&lower.as_str()) {
        return false;
    }
    let known = extension(&lower);
    BARE_NAMES.contains(&name)
        || (!known.is_empty() && (OTHER_TEXT.contains(&known) || of(&lower).is_some()))
        || (name.starts_with('.') && name.len() > 4 && name[1..].chars().all(|c| c.is_ascii_alphanumeric()))
}

/// Whether a name is that of source code: a file that people write and that has to be there to be worked on.
pub fn is_source_name(path: &str) -> bool {
    let name = file_name(path);
    !PRODUCTS.contains(&name.to_ascii_lowercase().as_str())
        && of(name).is_some()
        && !matches!(extension(name).to_ascii_lowercase().as_str(), "md" | "markdown" | "sql")
}
