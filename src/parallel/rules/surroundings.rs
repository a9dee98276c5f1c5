//! 6xx, 7xx and 8xx: the plan directory, the PLAN, and independence.

use super::{Rule, Severity::*};

pub(in crate::parallel) static PATH_OUTSIDE: Rule = Rule {
    code: "PW601",
    name: "path-outside",
    severity: Error,
    title: "A path leads out of the plan directory",
    explanation: "`subplan_path` and `execution_paths` are relative to the plan directory, with forward slashes. A path that \
        is absolute or climbs out with `..` means something else on every machine, and is never followed.",
    example: "\"subplan_path\": \"../other/SUBPLAN_BILLING_11.md\"",
    fix: Some("puts the document there is in its place, or null"),
};

pub(in crate::parallel) static PATH_MISSING: Rule = Rule {
    code: "PW602",
    name: "path-missing",
    severity: Warning,
    title: "A path names a file that is not there",
    explanation: "The document was renamed, moved or deleted. The files are the truth: the path is only a note of where to \
        find it.",
    example: "\"subplan_path\": \"subplans/SUBPLAN_BILLING_11.md\"        and no such file",
    fix: Some("puts the document there is in its place, or null"),
};

pub(in crate::parallel) static PATH_UNRECORDED: Rule = Rule {
    code: "PW603",
    name: "path-unrecorded",
    severity: Note,
    title: "A document is there, and its path is not in the file",
    explanation: "The document counts all the same, since planwave looks at the files. Readers of parallel.json alone do not \
        see it.",
    example: "subplans/SUBPLAN_BILLING_11.md exists, \"subplan_path\": null",
    fix: Some("writes its path"),
};

pub(in crate::parallel) static STATUS_STALE: Rule = Rule {
    code: "PW604",
    name: "status-stale",
    severity: Warning,
    title: "A status is not what the files say",
    explanation: "Documents and verdicts decide: APPROVED makes an achievement complete, FIX failed, SKIPPED skipped, an \
        EXECUTION_TASK execution_created (or in_progress once started), a SUBPLAN subplan_created. planwave derives the \
        status on each use; the stored one is for people and other tools.",
    example: "\"status\": \"not_started\"        and execution/feedbacks/APPROVED_11.md exists",
    fix: Some("writes the status that the files show"),
};

pub(in crate::parallel) static PLAN_NAME: Rule = Rule {
    code: "PW701",
    name: "plan-name",
    severity: Warning,
    title: "The file is of another plan",
    explanation: "`plan` is the <NAME> of PLAN_<NAME>.md beside it. Where they differ, the PLAN was renamed, or the file was \
        copied from another plan.",
    example: "\"plan\": \"BILLING\"        beside PLAN_INVOICES.md",
    fix: None,
};

pub(in crate::parallel) static NOT_IN_FILE: Rule = Rule {
    code: "PW702",
    name: "not-in-file",
    severity: Warning,
    title: "The PLAN defines an achievement that the file does not list",
    explanation: "It was added to the PLAN later, and nothing is generated for it. Add it to a level, or run `planwave analyze` \
        again.",
    example: "**Achievement 2.3**: Audit Log        in the PLAN, and no \"id\": \"2.3\"",
    fix: None,
};

pub(in crate::parallel) static NOT_IN_PLAN: Rule = Rule {
    code: "PW703",
    name: "not-in-plan",
    severity: Error,
    title: "The file lists an achievement that the PLAN does not define",
    explanation: "Its documents are written from its text in the PLAN, so there is nothing to write them from: a run refuses \
        it. Define it in the PLAN, or take it out of the file.",
    example: "\"id\": \"9.9\"        and no Achievement 9.9 in the PLAN",
    fix: None,
};

pub(in crate::parallel) static TITLE_DIFFERS: Rule = Rule {
    code: "PW704",
    name: "title-differs",
    severity: Warning,
    title: "A title is not that of the PLAN",
    explanation: "Only letters and digits are compared, so emphasis, emoji and case do not matter. One of the two was changed \
        later, or the ids have been shuffled; look which before you run a level.",
    example: "\"title\": \"Parser\"        and **Achievement 1.1**: Printer",
    fix: None,
};

pub(in crate::parallel) static DECLARED_DEPENDENCY: Rule = Rule {
    code: "PW705",
    name: "declared-dependency",
    severity: Warning,
    title: "The PLAN declares a dependency that the file does not have",
    explanation: "The author of the PLAN says that one achievement needs another, and the file would start both at the same \
        time. Add it to `dependencies`, or mend the PLAN. More dependencies than the PLAN declares are no problem, since most \
        PLANs declare none.",
    example: "- **Dependencies**: 1.1        and \"dependencies\": []",
    fix: None,
};

pub(in crate::parallel) static NO_PLAN: Rule = Rule {
    code: "PW706",
    name: "no-plan",
    severity: Note,
    title: "There is no PLAN to compare with",
    explanation: "Only the file itself was checked. Rules about the PLAN, the documents and the verdicts need a \
        PLAN_<NAME>.md in the same directory.",
    example: "planwave validate downloads/parallel.json",
    fix: None,
};

pub(in crate::parallel) static PLAN_UNREADABLE: Rule = Rule {
    code: "PW707",
    name: "plan-unreadable",
    severity: Error,
    title: "The PLAN cannot be read",
    explanation: "No document can be generated from a PLAN that is not understood, and nothing in the file can be compared \
        with it. `planwave plan show` says the same about the PLAN alone.",
    example: "PLAN_BILLING.md without a single achievement",
    fix: None,
};

pub(in crate::parallel) static SHARED_DELIVERABLE: Rule = Rule {
    code: "PW801",
    name: "shared-deliverable",
    severity: Warning,
    title: "Two achievements of a parallel level write the same file",
    explanation: "Who works on them at the same time gets in each other's way. The files are those named in `deliverables`, in \
        the deliverables of the PLAN, in lines of it that speak of writing, and in the deliverables of the SUBPLANs. Let one \
        of them depend on the other, split the file, or set `can_parallelize` to false.",
    example: "2.1 delivers `src/api.rs`, and so does 2.2 of the same level",
    fix: None,
};

pub(in crate::parallel) static SHARED_RESOURCE: Rule = Rule {
    code: "PW802",
    name: "shared-resource",
    severity: Warning,
    title: "Two achievements of a parallel level change the same resource",
    explanation: "A table, a queue, a fixture, a port: what is there once and is changed by two at the same time makes tests \
        fail for no reason that either of them can see. Looked for where `deliverables` and lines that speak of writing name \
        one, such as the `orders` table or port 8080.",
    example: "2.1: Create the `orders` table        2.2: Migrate table `orders`",
    fix: None,
};
