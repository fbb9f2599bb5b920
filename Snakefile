"""Are an image's nearest neighbours its own kind, and does a new encoder find them better?"""


include: "workflow/Snakefile"


# Snakemake forgets the default target of what is included.
workflow.default_target = workflow.modifier.modify_rulename("all")
