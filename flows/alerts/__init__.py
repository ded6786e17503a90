"""What the pipeline tells Prefect, and what is done about it.

`notices` is what is said, `telling` how it gets there, `health` what is measured, `announcer` what people's decisions
become, `automations` and `channels` who hears of it. Nothing here ever breaks a run, a decision or a look.
"""
