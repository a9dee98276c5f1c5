//! 7xx: the PLAN against the file.

use super::Planned;
use crate::parallel::{
    Form, ParallelFile,
    check::field,
    problem::{Raised, printable},
    rules::{DECLARED_DEPENDENCY, NOT_IN_FILE, NOT_IN_PLAN, PLAN_NAME, TITLE_DIFFERS},
};
use crate::plan::{Achievement, IdMap, Plan};

pub(super) fn find(
    file: &ParallelFile,
    plan: &Plan,
    planned: &Planned<'_>,
    plan_file: &str,
    raise: &mut impl FnMut(Raised),
) {
    let (name_field, list) = match file.form {
        Form::Leveled => ("plan", "levels"),
        Form::Flat => ("plan_name", "achievements"),
    };
    if let Some(name) = file.plan_name().filter(|name| *name != plan.name.as_str()) {
        let message =
            format!("the file says that it is of the plan {}, and beside it is {plan_file}", printable(name, 60));
        let hint = format!("write \"{}\", or check whether this is the right file", plan.name);
        raise(Raised::new(&PLAN_NAME, vec![name_field.into()], message).hint(hint));
    }
    let others: IdMap<()> = planned.others.iter().map(|achievement| (achievement.id, ())).collect();
    let in_plan = |id| match file.by_id.get(id) {
        Some(&index) => planned.by_entry[index].is_some(),
        None => others.contains_key(id),
    };
    for (index, (entry, achievement)) in file.entries.iter().zip(&planned.by_entry).enumerate() {
        let id = entry.id;
        let Some(achievement) = achievement else {
            raise(not_in_plan(file, index, plan_file));
            continue;
        };
        let line = achievement.line;
        if !entry.title.is_empty() && !same_title(&entry.title, &achievement.title) {
            let title = printable(&achievement.title, 60);
            let message = format!("the title of {id} in {plan_file}, line {line}, is `{title}`");
            raise(
                Raised::new(&TITLE_DIFFERS, field(file, index, "title"), message).hint("look which of the two holds"),
            );
        }
        for needs in &achievement.dependencies {
            let optional = file.stated[index].optional.contains(needs);
            if !entry.dependencies.contains(needs) && !optional && *needs != id && in_plan(needs) {
                let message = format!("{plan_file}, line {line}, declares that {id} depends on {needs}");
                let raised = Raised::new(&DECLARED_DEPENDENCY, field(file, index, "dependencies"), message);
                raise(raised.hint(format!("add {needs} to the dependencies of {id}, or mend the PLAN")));
            }
        }
    }
    for Achievement { id, line, title, .. } in &planned.others {
        let message =
            format!("{plan_file}, line {line}, defines {id} `{}`, which the file does not list", printable(title, 40));
        raise(
            Raised::new(&NOT_IN_FILE, vec![list.into()], message).hint("add it to a level, or analyze the PLAN again"),
        );
    }
}

/// That the PLAN does not define the achievement of this index.
pub(super) fn not_in_plan(file: &ParallelFile, index: usize, plan_file: &str) -> Raised {
    let id = file.entries[index].id;
    let id_field = match file.form {
        Form::Leveled => "id",
        Form::Flat => "achievement_id",
    };
    let message = format!("achievement {id} is not in {plan_file}");
    let raised = Raised::new(&NOT_IN_PLAN, field(file, index, id_field), message);
    raised.hint(format!("define {id} in the PLAN's achievements section, or take it out of the file"))
}

/// Whether two titles have the same letters and digits.
fn same_title(a: &str, b: &str) -> bool {
    let letters =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    a == b || letters(a) == letters(b)
}
