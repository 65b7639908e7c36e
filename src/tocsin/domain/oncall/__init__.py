"""Who is on call: the one resolver that pager, CLI, API, plan and pages share (docs/reference/oncall.md F2)."""
