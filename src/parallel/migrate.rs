//! From the older flat form to the leveled form, as an edit of the text: every field that planwave does not know keeps
//! its value and its spelling.
//!
//! The flat form never had a schema. A field whose name means something in the leveled form but whose value does not fit
//! it keeps its value under another name, `old_<name>`: nothing may get lost, and nothing may make the new file invalid.

use std::ops::Range;

use serde_json::Value;

use super::{
    Form, LevelInfo, ParallelFile, Problem,
    computed::parallelism_of,
    edit::{Splice, Style, apply_splices, member_splices},
    node::{Node, Sink},
    position::{Child, children, is_key},
    shape::{ACHIEVEMENT, Item, LEVELED},
    validate::unfit,
};

/// The version of the leveled form that is written.
const VERSION: &str = "1.0.0";

/// Rewrites a file of the flat form as the leveled one; `updated` is an RFC 3339 time. `None`: it is leveled already.
///
/// # Errors
///
/// What keeps the file from being read, or its levels from being computed.
pub fn migrate(text: &[u8], updated: &str) -> Result<Option<String>, Vec<Problem>> {
    let file = ParallelFile::parse(text)?;
    if file.form == Form::Leveled {
        return Ok(None);
    }
    let checked = file.check();
    if !checked.errors.is_empty() {
        return Err(checked.errors);
    }
    let text = leveled(&file, updated);
    Ok(Some(if file.bom { format!("\u{feff}{text}") } else { text }))
}

fn leveled(file: &ParallelFile, updated: &str) -> String {
    let source = file.source.as_str();
    let style = Style::of(source);
    let mut locator = file.locator.clone();
    let Some(root) = locator.value(source, &[]) else { return source.to_owned() };
    let members = children(source, root.start);
    let text = |range: Range<usize>| source.get(range).unwrap_or_default();
    let find = |name: &str| members.iter().position(|member| is_key(source, member, name));
    let null = |at: usize| text(members[at].value.clone()) == "null";
    // What has to be out of the way, or says nothing.
    let mut renamed: Vec<(usize, String)> = Vec::new();
    let mut dropped: Vec<usize> = find("levels").into_iter().filter(|at| null(*at)).collect();
    let unfit_here = unfit_members(text(root.clone()), LEVELED);
    for (at, member) in members.iter().enumerate() {
        let Some(name) = key(source, member) else { continue };
        if name == "levels" && !null(at) || (unfit_here.contains(&at) && name != "updated") {
            renamed.push((at, free_name(source, &members, &name)));
        }
    }
    let mut front = String::new();
    let stays = |name: &str| find(name).filter(|at| !null(*at) && !renamed.iter().any(|(other, _)| other == at));
    if stays("version").is_none() {
        dropped.extend(find("version").filter(|at| null(*at)));
        let lead = members.first().map_or("", |first| text(root.start + 1..first.key.start));
        let colon = members.first().map_or(": ", |first| text(first.key.end..first.value.start));
        let separator = if lead.is_empty() { " " } else { lead };
        front = format!("\"version\"{colon}\"{VERSION}\",{separator}");
    }
    if let (None, Some(at), Some(_)) = (stays("plan"), find("plan_name"), file.plan_name()) {
        dropped.extend(find("plan").filter(|at| null(*at)));
        renamed.push((at, "plan".to_owned()));
    }
    let mut splices: Vec<Splice> = renamed
        .into_iter()
        .map(|(at, name)| Splice { range: members[at].key.clone(), text: Value::from(name).to_string() })
        .collect();
    if let Some(first) = members.first() {
        splices.push(Splice { range: first.key.start..first.key.start, text: front });
    }
    if let Some(at) = find("achievements") {
        let member = &members[at];
        splices.push(Splice { range: member.key.clone(), text: "\"levels\"".to_owned() });
        let levels = Writer { source, style: &style, file, achievements: children(source, member.value.start) };
        splices.push(Splice { range: member.value.clone(), text: levels.levels() });
    }
    splices.extend(member_splices(source, root.clone(), &members, &[("updated", Some(Value::from(updated)))], &style));
    let renewed = apply_splices(source, &splices);
    // Members that say nothing and whose name is taken now; there is at most one of each.
    dropped.sort_unstable();
    dropped
        .into_iter()
        .rev()
        .fold(renewed, |text, at| without_null(&text, &key(source, &members[at]).unwrap_or_default()))
}

/// The text without the member of this name whose value is `null`.
fn without_null(text: &str, name: &str) -> String {
    let members = children(text, text.find('{').unwrap_or(0));
    let is_it = |member: &&Child| is_key(text, member, name) && text.get(member.value.clone()) == Some("null");
    let Some(at) = members.iter().position(|member| is_it(&member)) else { return text.to_owned() };
    let member = &members[at];
    let range = match (at.checked_sub(1).and_then(|before| members.get(before)), members.get(at + 1)) {
        (Some(before), _) => before.value.end..member.value.end,
        (None, Some(after)) => member.key.start..after.key.start,
        (None, None) => member.key.start..member.value.end,
    };
    apply_splices(text, &[Splice { range, text: String::new() }])
}

fn key(source: &str, child: &Child) -> Option<String> {
    serde_json::from_str(source.get(child.key.clone())?).ok()
}

/// `old_<name>`, with as many `old_` as it takes.
fn free_name(source: &str, members: &[Child], name: &str) -> String {
    let mut free = format!("old_{name}");
    while members.iter().any(|member| is_key(source, member, &free)) {
        free.insert_str(0, "old_");
    }
    free
}

/// The positions of members whose values do not fit the fields of their names.
fn unfit_members(object: &str, fields: &'static [super::shape::Field]) -> Vec<usize> {
    struct Nowhere;
    impl Sink for Nowhere {
        fn take(&mut self, _: Item, _: usize, _: &Node<'_>) {}
    }
    Node::read(object, fields, &mut Nowhere).map(|node| unfit(&node, fields)).unwrap_or_default()
}

struct Writer<'a> {
    source: &'a str,
    style: &'a Style,
    file: &'a ParallelFile,
    achievements: Vec<Child>,
}

impl Writer<'_> {
    /// The value of `levels`.
    fn levels(&self) -> String {
        let levels: Vec<String> = self.file.levels.iter().map(|level| self.level(level)).collect();
        self.list(1, &levels)
    }

    fn level(&self, level: &LevelInfo) -> String {
        let (can, max) = parallelism_of(level.entries.len(), false);
        let achievements: Vec<String> = level.entries.iter().map(|&entry| self.achievement(entry)).collect();
        let members = [
            format!("\"level\": {}", level.number),
            format!("\"can_parallelize\": {can}"),
            format!("\"max_parallelism\": {max}"),
            format!("\"achievements\": {}", self.list(3, &achievements)),
        ];
        let (open, between, close) = self.around(2);
        format!("{{{open}{}{close}}}", members.join(&between))
    }

    fn list(&self, depth: usize, elements: &[String]) -> String {
        let (open, between, close) = self.around(depth);
        format!("[{open}{}{close}]", elements.join(&between))
    }

    /// What stands before the first, between two, and after the last element of something that begins at this depth.
    fn around(&self, depth: usize) -> (String, String, String) {
        if !self.source.trim_end().contains('\n') {
            return (String::new(), ", ".to_owned(), String::new());
        }
        let line = |depth| format!("{}{}", self.style.newline(), self.style.indent().repeat(depth));
        (line(depth + 1), format!(",{}", line(depth + 1)), line(depth))
    }

    /// The achievement as it stands, with its id's field renamed, moved to its new depth.
    fn achievement(&self, entry: usize) -> String {
        let Some(child) = self.file.places.get(entry).and_then(|place| self.achievements.get(place.index)) else {
            return String::new();
        };
        let object = self.source.get(child.value.clone()).unwrap_or_default();
        let members = children(object, 0);
        let unfit = unfit_members(object, ACHIEVEMENT);
        let mut splices = Vec::new();
        for (at, member) in members.iter().enumerate() {
            let Some(name) = key(object, member) else { continue };
            let new = match name.as_str() {
                "achievement_id" => "id".to_owned(),
                name if name == "id" || unfit.contains(&at) => free_name(object, &members, name),
                _ => continue,
            };
            splices.push(Splice { range: member.key.clone(), text: Value::from(new).to_string() });
        }
        self.indented(&apply_splices(object, &splices), child.value.start)
    }

    /// Takes the indentation of its new depth in place of the one that the line of byte `at` has.
    fn indented(&self, object: &str, at: usize) -> String {
        let before = self.source.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let old = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        let new = self.style.indent().repeat(4);
        let mut lines = object.split_inclusive('\n');
        let mut text = lines.next().unwrap_or_default().to_owned();
        for line in lines {
            text.push_str(&new);
            text.push_str(line.strip_prefix(old).unwrap_or(line));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2025-02-03T04:05:06Z";

    fn migrated(text: &str) -> String {
        let new = migrate(text.as_bytes(), NOW).unwrap().expect("flat");
        let file = ParallelFile::parse(new.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?}\n{new}"));
        assert_eq!((file.form(), file.check().errors), (Form::Leveled, vec![]));
        new
    }

    #[test]
    fn a_flat_file_gets_levels_and_keeps_its_layout() {
        let before = "{\n  \"plan_name\": \"P\",\n  \"waves\": [1.50],\n  \"achievements\": [\n    {\n      \
            \"achievement_id\": \"1.2\",\n      \"dependencies\": [\"1.1\"]\n    },\n    {\"achievement_id\": \"1.1\", \
            \"n\": 1e2}\n  ],\n  \"notes\": null\n}\n";
        insta::assert_snapshot!(migrated(before), @r#"
        {
          "version": "1.0.0",
          "plan": "P",
          "waves": [1.50],
          "levels": [
            {
              "level": 1,
              "can_parallelize": false,
              "max_parallelism": 1,
              "achievements": [
                {"id": "1.1", "n": 1e2}
              ]
            },
            {
              "level": 2,
              "can_parallelize": false,
              "max_parallelism": 1,
              "achievements": [
                {
                  "id": "1.2",
                  "dependencies": ["1.1"]
                }
              ]
            }
          ],
          "notes": null,
          "updated": "2025-02-03T04:05:06Z"
        }
        "#);
    }

    #[test]
    fn one_line_stays_one_line() {
        insta::assert_snapshot!(migrated("{\"achievements\":[{\"achievement_id\":\"1.1\"}]}"), @r#"{"version":"1.0.0", "levels":[{"level": 1, "can_parallelize": false, "max_parallelism": 1, "achievements": [{"id":"1.1"}]}],"updated":"2025-02-03T04:05:06Z"}"#);
    }

    #[test]
    fn what_does_not_fit_keeps_its_value_under_another_name() {
        let before = "{\"version\": 3, \"plan\": null, \"plan_name\": \"P\", \"levels\": \"many\", \"updated\": 5, \"old_version\": 4, \
            \"achievements\": [{\"id\": 17, \"achievement_id\": \"1.1\", \"title\": 5, \"actual_hours\": [1], \"deliverables\": \"x\"}]}";
        insta::assert_snapshot!(migrated(before), @r#"{"version": "1.0.0", "old_old_version": 3, "plan": "P", "old_levels": "many", "updated": "2025-02-03T04:05:06Z", "old_version": 4, "levels": [{"level": 1, "can_parallelize": false, "max_parallelism": 1, "achievements": [{"old_id": 17, "id": "1.1", "old_title": 5, "old_actual_hours": [1], "old_deliverables": "x"}]}]}"#);
    }

    #[test]
    fn a_leveled_file_is_left_alone_and_a_broken_one_refused() {
        let leveled = "{\"levels\": [{\"level\": 1, \"achievements\": [{\"id\": \"1.1\"}]}]}";
        assert_eq!(migrate(leveled.as_bytes(), NOW), Ok(None));
        let cycle = "{\"achievements\": [{\"achievement_id\": \"1.1\", \"dependencies\": [\"1.1\"]}]}";
        assert_eq!(migrate(cycle.as_bytes(), NOW).unwrap_err().len(), 1);
    }
}
