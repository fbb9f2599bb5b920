"""Time and memory of the jobs of a study."""

import dataframely as dy


class ResourceUsage(dy.Schema):
    """One row per measured job, from its last run; timings differ from run to run."""

    rule = dy.String(primary_key=True, description="what the job did")
    job = dy.String(
        primary_key=True, description="which of the rule's jobs; its log is logs/{rule}/{dataset}/{job}.log"
    )
    model = dy.String(
        nullable=True,
        description="the model, `base/trained` for a comparison, or the preprocessing; null if all share it",
    )
    shard = dy.Int32(nullable=True, min=0, description="the shard, or the chunk of a search")
    seconds = dy.Float64(min=0, description="from start to end, with the time to load code")
    cpu_seconds = dy.Float64(nullable=True, min=0, description="CPU time of all threads together")
    peak_memory = dy.Float64(nullable=True, min=0, description="highest resident memory, in MB (2^20 bytes)")
    n_images = dy.Int64(
        nullable=True,
        min=0,
        description="images that the job worked on, without those it reused: for a search its queries, "
        "for a training the images of all epochs; null if it does not count them",
    )
    images_per_second = dy.Float64(nullable=True, min=0, description="n_images divided by seconds")
