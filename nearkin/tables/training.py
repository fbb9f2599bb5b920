"""The log of a training."""

import dataframely as dy


class Training(dy.Schema):
    """One row per optimiser step."""

    epoch = dy.Int32(primary_key=True, min=1, description="1 for the first")
    step = dy.Int32(primary_key=True, min=1, description="counted over all epochs")
    loss = dy.Float64(description="mean margin-softmax loss of the batch")
    backbone_lr = dy.Float64(min=0, description="learning rate of the encoder's parameters")
    head_lr = dy.Float64(min=0, description="learning rate of the class centres")
    gradient_norm = dy.Float64(nullable=True, min=0, description="of all trained parameters")
    val_recall = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        description="species recall@1 on the validation split, in the last step of an epoch",
    )
    is_best = dy.Bool(description="whether the encoder was kept in its state after this step")
