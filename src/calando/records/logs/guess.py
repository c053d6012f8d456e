"""Which column is what, by its name: step, epoch, training loss, validation loss, learning rate, run, score."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

from calando.errors import BadName, did_you_mean, shown, tame
from calando.records.logs.log import listed

__all__ = ["Role", "better", "find", "named", "plain", "scores", "trained"]

Role = str

VAL = "(?:val|valid|validation|eval|evaluation|test|dev|heldout|holdout)"
TRAIN = "(?:train|training|tr)"
SCORES = (  # in the order of how much is known of their curves
    r"(?:(?:sparse_)?(?:categorical|binary|balanced|mean|token|mean_token|masked|multiclass|top_?1)_)?acc(?:uracy)?"
    r"(?:_?1|_top_?1|_score)?|top_?1(?:_acc(?:uracy)?)?|prec_1",
    r"(?:(?:macro|micro|weighted|binary|multiclass)_)?f1(?:_?score)?(?:_(?:macro|micro|weighted))?",
    r"(?:(?:roc|pr)_)?auc(?:_(?:roc|pr))?|auroc|auprc|average_precision|m?ap|mean_average_precision|map_?50(?:_95)?",
    r"(?:m|mean_)?iou|dice(?:_(?:score|coefficient))?|(?:sacre)?bleu(?:_?[1-4])?|rouge_?(?:1|2|l|lsum)|chrf|meteor",
    r"mcc|matthews_corrcoef|matthews_correlation|kappa|r2(?:_score)?|exact_match|top_?5(?:_acc(?:uracy)?)?",
    r"acc(?:uracy)?(?:_top)?_?5",
)
"""Metrics that are better when higher and by which a run is judged unasked: a reward or a return is not among them, nor
is precision or recall alone, of which one may fall for the other."""
RISING = (
    r"rew(?:ards?)?|returns?|score|(?:win|success|solve|pass)_?rate|success|margins?|"
    r"sensitivity|specificity|psnr|ssim|elo|"
    r"(?:hits?(?:_rat(?:e|io))?|hr|n?dcg|mrr|map|mar|recall|precision|pass)(?:_?at)?_?k?\d*(?:_\d+)*|"
    r"(?:spearman|pearson)r?(?:_(?:corr(?:elation)?|cosine|dot|manhattan|euclidean|max|rho|r))?|kendall(?:_?tau)?"
)
OF_REWARDS = (
    r"ep|episodes?|episodic|rollouts?|env|env_runners|sampler_results|charts|objective|agent|policy|rlhf|"
    r"(?:un)?discounted|cumulative|cum|total|sum|mean|avg|average|median|best|min|max|final|running|smoothed|normalized|"
    r"raw|batch|step|iqm|metrics?|per|macro|micro|weighted|chosen|rewards?|accuracies"
)
"""What stands beside such a name and changes nothing of its direction."""
LOSS = "(?:loss|nll|ce|cross_entropy|crossentropy|perplexity_loss|bpc|bpb|objective)"

# In the order of how sure each spelling is; names are compared in lower case, with every other sign as "_".
PATTERNS: dict[Role, tuple[str, ...]] = {
    "step": (
        rf"(?:trainer|{TRAIN})_global_step|global_step|globalstep",
        rf"steps?|{TRAIN}_steps?|optimi[sz]er_steps?|num_steps|step_num",
        r"iterations?|iters?|n_iter|iter_num|updates?|num_updates|n_updates|step_idx|step_index",
        r"_step|it|t",
    ),
    "epoch": (r"epochs?|epoch_num|num_epochs?|n_epoch", rf"{TRAIN}_epoch|ep"),
    "loss": (
        rf"{TRAIN}_loss|loss_{TRAIN}|{TRAIN}_{TRAIN}_loss",
        rf"{TRAIN}_loss_step|loss_step|{TRAIN}_batch_loss|batch_loss",
        rf"loss|{TRAIN}_{LOSS}|{LOSS}_{TRAIN}",
        rf"{TRAIN}_loss_epoch|{TRAIN}_epoch_loss|epoch_loss|loss_epoch|{TRAIN}_loss_(?:mean|avg)|avg_{TRAIN}_loss",
        rf"{LOSS}|avg_loss|mean_loss|running_loss|lm_loss|total_loss|{TRAIN}_(?:lm|total|avg|mean)_loss|.*_{TRAIN}_loss",
    ),
    "val_loss": (
        rf"{VAL}_loss|loss_{VAL}",
        rf"{VAL}_loss_epoch|{VAL}_epoch_loss|{VAL}_(?:avg|mean|total|lm)_loss|{VAL}_{LOSS}|{LOSS}_{VAL}|.*_{VAL}_loss",
        rf"{VAL}_[a-z0-9]+_loss|{VAL}_evaluation_loss_vs_iterations|evaluation_loss_vs_iterations|{VAL}_loss_step",
    ),
    "lr": (
        rf"lr|learning_rate|{TRAIN}_(?:lr|learning_rate)|(?:lr|learning_rate)_{TRAIN}|learningrate|{TRAIN}_epoch_learning_rate",
        r"epoch_(?:lr|learning_rate)|(?:opt|optim|optimizer)_(?:lr|learning_rate)|current_lr|cur_lr|.*_learning_rate",
        r"(?:lr|learning_rate)_(?!.*(?:momentum|weight_decay|beta)).*|(?!.*(?:momentum|weight_decay)).*_lr",
    ),
    "score": tuple(
        rf"(?:metrics?_)?{VAL}_(?:epoch_)?(?:{one})(?:_(?:epoch|mean|avg))?|(?:{one})_{VAL}" for one in SCORES
    ),
    "train_score": tuple(
        rf"(?:metrics?_)?(?:{TRAIN}_)?(?:epoch_)?(?:{one})(?:_(?:epoch|mean|avg|step))?|(?:{one})_{TRAIN}"
        for one in SCORES
    ),
    "run": (r"run_name|run_id|run|runs|experiment|trial|run_uuid",),
}


def plain(name: str) -> str:
    """A name in lower case, every sign that is no letter or digit as one "_".

    >>> plain("Train/Loss (step)")
    'train_loss_step'
    """
    text = re.sub(r"[^a-z0-9]+", "_", name.strip().lower())
    return text.rstrip("_") if text.startswith("_step") else text.strip("_")


@lru_cache(maxsize=1 << 14)
def _rank(role: Role, name: str) -> int | None:
    for rank, pattern in enumerate(PATTERNS[role]):
        if re.fullmatch(pattern, plain(name[:200])):
            return rank
    return None


def find(role: Role, names: Iterable[str]) -> list[str]:
    """The names that may be meant, the surest first, and among equals in their order.

    >>> find("loss", ["step", "loss", "val_loss", "train/loss", "lr"])
    ['train/loss', 'loss']
    >>> find("lr", ["lr-AdamW", "lr-AdamW-momentum", "loss"])
    ['lr-AdamW']
    """
    ranked = [(rank, i, name) for i, name in enumerate(names) if (rank := _rank(role, name)) is not None]
    return [name for _, _, name in sorted(ranked)]


def scores(name: str) -> bool:
    """Whether a name is that of a metric that is better when higher, also of one that is judged only where it is named.

    >>> scores("val/acc"), scores("rollout/ep_rew_mean"), scores("episodic_return"), scores("recall")
    (True, True, True, True)
    >>> scores("ndcg@10"), scores("mAP@0.5"), scores("pass@1"), scores("val/spearman")
    (True, True, True, True)
    >>> scores("val_loss"), scores("reward_loss"), scores("reward_std"), scores("ep_len_mean")
    (False, False, False, False)
    """
    return bool(find("score", [name]) or find("train_score", [name])) or _rising(name)


def better(name: str) -> Literal["min", "max"]:
    """The direction of better of a metric, by its name alone.

    >>> better("val_loss"), better("episode_reward")
    ('min', 'max')
    """
    return "max" if scores(name) else "min"


@lru_cache(maxsize=1 << 14)
def _rising(name: str) -> bool:
    beside = rf"(?:{OF_REWARDS}|{VAL}|{TRAIN})"
    return re.fullmatch(rf"(?:{beside}_)*(?:best_)?(?:{RISING})(?:_{beside})*", plain(name[:200])) is not None


def trained(name: str) -> bool:
    """Whether a name says that it was measured on training data.

    >>> trained("train/acc"), trained("accuracy")
    (True, False)
    """
    return re.search(rf"(?:^|_){TRAIN}(?:_|$)", plain(name)) is not None


def named(role: Role, asked: str, names: Sequence[str], where: str) -> str:
    """The column that the caller named, by its exact name or one that differs in case and signs alone.

    Raises:
        BadName: when there is no such column, or several.
    """
    if asked in names:
        return asked
    alike = [name for name in names if plain(name) == plain(asked)]
    if len(alike) == 1:
        return alike[0]
    raise BadName(
        given=f"{role}={shown(asked)}, which no column is called{did_you_mean(asked, names)}",
        allowed=listed(names) or "no names: the file has no columns",
        where=tame(where),
        fix="use the name of a column",
    )
