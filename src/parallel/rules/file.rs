//! 1xx and 2xx: the file as such, the values in it, and ids.

use super::{Rule, Severity::*};

pub(in crate::parallel) static EMPTY_FILE: Rule = Rule {
    code: "PW101",
    name: "empty-file",
    severity: Error,
    title: "The file is empty",
    explanation: "An empty parallel.json is most likely what a crash or a full disk left of a good one. It is never taken \
        for an empty plan, because that would be written back over what was lost. Restore it from a backup or from version \
        control, or delete it and write a new one with `planwave analyze`.",
    example: "(a file of 0 bytes, or of blanks only)",
    fix: None,
};

pub(in crate::parallel) static NOT_UTF8: Rule = Rule {
    code: "PW102",
    name: "not-utf8",
    severity: Error,
    title: "The file is not UTF-8 text",
    explanation: "JSON is UTF-8. Some editors and shells on Windows write UTF-16 or an old code page; save the file as \
        UTF-8.",
    example: "\"title\": \"caf\\xe9\"        (Latin-1)",
    fix: None,
};

pub(in crate::parallel) static SYNTAX: Rule = Rule {
    code: "PW103",
    name: "syntax",
    severity: Error,
    title: "The file is not JSON",
    explanation: "Reading stops at the first place that is no JSON: a comma too many, a bracket too few, a comment, the \
        markers of a merge conflict, an end that comes too early. A file that was cut off should be restored rather than \
        mended.",
    example: "\"dependencies\": [\"1.1\", ]",
    fix: None,
};

pub(in crate::parallel) static NOT_A_NUMBER: Rule = Rule {
    code: "PW104",
    name: "not-a-number",
    severity: Error,
    title: "NaN and Infinity are not JSON",
    explanation: "Some libraries write NaN, Infinity or -Infinity where a calculation went wrong. JSON has no such values, \
        and most readers refuse the whole file. Write the number that is meant, or null.",
    example: "\"actual_hours\": NaN",
    fix: None,
};

pub(in crate::parallel) static DUPLICATE_KEY: Rule = Rule {
    code: "PW105",
    name: "duplicate-key",
    severity: Error,
    title: "A member stands twice in one object",
    explanation: "JSON leaves open which of two members of one name holds; most readers take the last and forget the first \
        without a word. Keep the one that is right. A frequent cause is a merge that kept both sides.",
    example: "{ \"id\": \"1.1\", \"status\": \"complete\", \"status\": \"failed\" }",
    fix: None,
};

pub(in crate::parallel) static UNKNOWN_FORM: Rule = Rule {
    code: "PW106",
    name: "unknown-form",
    severity: Error,
    title: "The file lists no achievements in a form that is known",
    explanation: "A parallel.json has `levels` (version 1.0.0), or, in the older flat form, `achievements` at the top. With \
        neither, it is some other file, or the levels have got lost.",
    example: "{ \"plan\": \"BILLING\" }",
    fix: None,
};

pub(in crate::parallel) static UNSUPPORTED_VERSION: Rule = Rule {
    code: "PW107",
    name: "unsupported-version",
    severity: Error,
    title: "The version is not one that this planwave reads",
    explanation: "`version` tells the format of the file. This planwave reads 1.x.y. A file of a later major version may \
        mean something else by the same fields, so it is not touched; use the planwave that wrote it.",
    example: "\"version\": \"2.0.0\"",
    fix: None,
};

pub(in crate::parallel) static WRONG_TYPE: Rule = Rule {
    code: "PW108",
    name: "wrong-type",
    severity: Error,
    title: "A value is of another type than its field",
    explanation: "Each field that planwave knows has one type; `planwave schema` prints them all. Ids are text, since as \
        numbers 3.1 and 3.10 would be the same. In the older flat form, where no schema ever was, it is only a warning for \
        fields of no consequence.",
    example: "\"dependencies\": \"1.1\"        expected a list: [\"1.1\"]",
    fix: None,
};

pub(in crate::parallel) static MISSING_FIELD: Rule = Rule {
    code: "PW109",
    name: "missing-field",
    severity: Error,
    title: "A field that has to be there is missing",
    explanation: "A file has to have `levels`, a level its number `level` and its `achievements`, an achievement its `id`, a \
        `failure` its `stage`: without them it is an error. Without `version` or `plan` the file works, and fits the schema; \
        since planwave always writes them, their lack is noted. Everything else may be left out; null counts as left out.",
    example: "{ \"level\": 1, \"achievements\": [ { \"title\": \"Parser\" } ] }",
    fix: None,
};

pub(in crate::parallel) static INVALID_NUMBER: Rule = Rule {
    code: "PW110",
    name: "invalid-number",
    severity: Error,
    title: "A number is outside of what its field can hold",
    explanation: "Levels and `max_parallelism` are whole numbers from 1, attempts whole numbers from 0, hours are not \
        negative.",
    example: "\"level\": 0",
    fix: None,
};

pub(in crate::parallel) static HUGE_NUMBER: Rule = Rule {
    code: "PW111",
    name: "huge-number",
    severity: Error,
    title: "A number is too large to be meant",
    explanation: "A number beyond what a 64-bit float holds cannot be read; different readers make different things of it. \
        More than 10,000 hours for one achievement can be read and is only a warning: it counts as no estimate.",
    example: "\"estimated_hours\": 1e999",
    fix: None,
};

pub(in crate::parallel) static INVALID_ID: Rule = Rule {
    code: "PW112",
    name: "invalid-id",
    severity: Error,
    title: "An id is not two or three numbers",
    explanation: "The id of an achievement is two or three numbers with dots between them, without leading zeros: 1.1, 3.10, \
        3.5.1. It stands in file names, so nothing else is let in.",
    example: "\"id\": \"1.01\"",
    fix: None,
};

pub(in crate::parallel) static INVALID_STATUS: Rule = Rule {
    code: "PW113",
    name: "invalid-status",
    severity: Error,
    title: "A status is none of the known ones",
    explanation: "The statuses are not_started, subplan_created, execution_created, in_progress, complete, failed and \
        skipped. `blocked` is never stored: it follows from the dependencies. Where `status` is left out, it follows from \
        the files of the plan directory.",
    example: "\"status\": \"done\"",
    fix: None,
};

pub(in crate::parallel) static INVALID_WORD: Rule = Rule {
    code: "PW114",
    name: "invalid-word",
    severity: Error,
    title: "A word is none of those that its field knows",
    explanation: "`kind` of a dependency note is technical, knowledge or resource; `source` is declared, model or manual; \
        `stage` of a failure is subplan or execution.",
    example: "\"dependency_notes\": { \"1.1\": { \"kind\": \"moral\" } }",
    fix: None,
};

pub(in crate::parallel) static INVALID_TIME: Rule = Rule {
    code: "PW115",
    name: "invalid-time",
    severity: Warning,
    title: "A time is not RFC 3339 in UTC",
    explanation: "Times are written as 2025-01-31T12:00:00Z: date, T, time, Z. Another offset names an instant too, but \
        people compare these as text; a date alone, or a local time, names none.",
    example: "\"completed_at\": \"31.01.2025\"",
    fix: None,
};

pub(in crate::parallel) static ESTIMATE_UNREADABLE: Rule = Rule {
    code: "PW116",
    name: "estimate-unreadable",
    severity: Warning,
    title: "An estimate cannot be read as hours",
    explanation: "`estimated_hours` is a number of hours, or text such as \"2-3 hours\" or \"30 minutes\". What cannot be \
        read counts as no estimate, so times and forecasts leave it out.",
    example: "\"estimated_hours\": \"a few days\"",
    fix: None,
};

pub(in crate::parallel) static BYTE_ORDER_MARK: Rule = Rule {
    code: "PW117",
    name: "byte-order-mark",
    severity: Note,
    title: "The file begins with a byte order mark",
    explanation: "planwave reads the file all the same and keeps the mark. Some other readers of JSON refuse it, so saving \
        the file as UTF-8 without a mark is the safer way.",
    example: "EF BB BF {",
    fix: None,
};

pub(in crate::parallel) static OLD_FORM: Rule = Rule {
    code: "PW118",
    name: "old-form",
    severity: Warning,
    title: "The file has the older flat form",
    explanation: "It is read as it is, and its levels are computed anew each time. It cannot say which achievements were put \
        into a later level on purpose, or which level should not be worked on in parallel. `planwave migrate` rewrites it \
        as version 1.0.0 and keeps every field.",
    example: "{ \"plan_name\": \"BILLING\", \"achievements\": [ { \"achievement_id\": \"1.1\" } ] }",
    fix: Some("rewrites the file as `planwave migrate` does"),
};

pub(in crate::parallel) static NO_ACHIEVEMENTS: Rule = Rule {
    code: "PW119",
    name: "no-achievements",
    severity: Error,
    title: "The file has no achievement",
    explanation: "There is nothing to generate and nothing to show. `planwave analyze` writes a parallel.json from a PLAN.",
    example: "{ \"version\": \"1.0.0\", \"levels\": [] }",
    fix: None,
};

pub(in crate::parallel) static BOTH_FORMS: Rule = Rule {
    code: "PW120",
    name: "both-forms",
    severity: Warning,
    title: "The file lists achievements in levels and at the top as well",
    explanation: "A file with `levels` is of version 1.0.0, and its achievements are those of its levels. A list \
        `achievements` at the top, as in the older flat form, is kept on every rewrite and otherwise ignored: nothing is \
        generated for what stands only there. Put what is missing into a level, and take the list out.",
    example: "{ \"levels\": [ … ], \"achievements\": [ { \"achievement_id\": \"1.1\" } ] }",
    fix: None,
};

pub(in crate::parallel) static DUPLICATE_ID: Rule = Rule {
    code: "PW201",
    name: "duplicate-id",
    severity: Error,
    title: "Two achievements have the same id",
    explanation: "Dependencies, file names and statuses go by id, so each achievement needs one of its own. Keep one of the \
        two, or give one another id. Until then, nothing that goes by id is repaired.",
    example: "[ { \"id\": \"1.1\", \"title\": \"Parser\" }, { \"id\": \"1.1\", \"title\": \"Printer\" } ]",
    fix: None,
};

pub(in crate::parallel) static SLUG_COLLISION: Rule = Rule {
    code: "PW202",
    name: "slug-collision",
    severity: Note,
    title: "Two ids are the same without their dots",
    explanation: "File names hold the id without its dots: 3.1 gives 31. 1.11 and 11.1 would both give 111, so both take \
        the form with underscores, 1_11 and 11_1. Files that already have the short form name neither of them and have to \
        be renamed.",
    example: "ids 1.11 and 11.1        SUBPLAN_BILLING_1_11.md and SUBPLAN_BILLING_11_1.md",
    fix: None,
};
