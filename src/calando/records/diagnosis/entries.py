"""The words and numbers of the catalogue, worst finding first."""

from __future__ import annotations

__all__ = ["ENTRIES"]

ENTRIES: dict[str, dict[str, object]] = {
    "failed": {
        "severity": "failure",
        "looks": "The train function raised an exception, hung, or its process died.",
        "why": "A mistake in the code, too little memory, or the machine.",
        "do": ("Mend the train function and begin the study anew with `--fresh`.",
               "Where the machine was at fault: `--retry-failed`."),
        "shown": "The last line of the traceback, and the step.",
    },
    "diverged": {
        "severity": "failure",
        "looks": "The loss becomes NaN or infinite, or ends far above where it began.",
        "why": "A step is longer than the curvature of the loss allows. The rate at which that happens, the edge, "
               "grows "
               "during the first few percent of a training, which is what a warm-up waits for.",
        "do": ("Choose a peak below half of the rate at which the loss broke away.",
               "Where it broke while the rate was rising or just after: a warm-up two to four times as long.",
               "Clip the norm of the gradient at 1; in half precision, look at the loss scale."),
        "shown": "The step, the rate there, and since when the loss had been climbing: the edge.",
        "limits": {"above": (0.05, "the share of the starting loss that the end must lie above it"),
                   "clear": (2.0, "standard errors of the last losses that they must lie above it"),
                   "thrown": (2.0, "times the starting loss that all losses are on the average, where single ones are "
                                   "too wild for a level and evaluations tell"),
                   "quiet": (0.05, "share of the first evaluation by which none of the later ones rose: then first "
                                   "losses that lie below it, by no more than they scatter, were easy batches")},
        "not_it": "A single wild value that the run recovers from is a spike.",
    },
    "LR not as asked": {
        "severity": "warning",
        "looks": "The rates that the optimizer used are not those of the schedule: shifted, scaled, stretched, begun "
                 "anew "
                 "or not moving at all.",
        "why": "The scheduler is stepped at the wrong place or count (by epochs, by every process, by every "
               "micro-batch), "
               "holds another optimizer, or was not restored with the model.",
        "do": ("Step the scheduler once after every update of the optimizer, in one place.",
               "Make it over the optimizer that trains, and save and load its state.",
               "Give the optimizer the peak as its own rate, and let nothing else set it."),
        "shown": "The share of steps that are apart, the first of them, both rates there, and which slip explains "
                 "them.",
        "limits": {"apart": (0.005, "relative distance that no rounding makes"),
                   "share": (0.02, "share of the steps that must be apart: one odd line at the start is no slip")},
        "not_it": "A run that was steered has another schedule from then on; it is held against that one.",
    },
    "not converging": {
        "severity": "failure",
        "looks": "The loss ends where it began, within its noise.",
        "why": "The rate is orders of magnitude too low, or so high that the model died in the first steps; or it is "
               "not "
               "the schedule: labels that do not match, an optimizer that holds other parameters.",
        "do": ("Where the loss only lay still: a peak as many times higher as its little progress says, ten to a "
               "thousand. Where it was thrown about: a tenth of it.",
               "If neither does, overfit a single batch: if that fails, it is not the schedule."),
        "shown": "The loss at the start and at the end, and the highest rate.",
        "limits": {"share": (0.01, "share of the starting loss that a run which learned anything has gained"),
                   "agreed": (0.05, "share of the starting loss by which training losses fell where evaluations fell "
                                    "beyond doubt: then less is asked of either"),
                   "alone": (0.025, "share of the first evaluation by which evaluations alone must have fallen, where "
                                    "single losses scatter too widely to say where the run began; recorded runs of "
                                    "small batches that hardly moved fell by 0.023 there, one by 0.029"),
                   "nothing": (0.1, "share of the first losses that most of the last ones are below: most batches are "
                                    "learned, whatever the others cost"),
                   "glass": (0.01, "share of their fall by which such evaluations tremble at the least: at a rate far "
                                   "too low they hardly do"),
                   "classes": (20, "classes at the most for a loss to be known as what guessing among them costs"),
                   "even": (0.006, "relative distance of the last losses from the logarithm of that number; recorded "
                                   "runs that died keep within 0.005"),
                   "scatter": (0.009, "scatter of the last losses, as a share of it: of runs that died 0.004 to "
                                      "0.007, of sound ones that end there none"),
                   "untaught": (1.5, "times it that the loss began at, at the most: from further above something was "
                                     "learned; recorded runs that died began at 1.01 to 1.18"),
                   "below": (0.97, "share of it below which the loss never was: else something was learned, and lost"),
                   "flat": (1.06, "times it that the loss is at the most in the middle of the run")},
    },
    "LR too high": {
        "severity": "warning",
        "looks": "The loss is thrown up early, hangs high or climbs while the rate is near its peak, and falls only as "
                 "the rate comes down; or the training loss itself rises.",
        "why": "Each step jumps across the valley that it should descend: the loss is held up by the rate itself, and "
               "what was damaged early is repaired late or never.",
        "do": ("A peak of a quarter of this "
               "one.", "A longer warm-up, where the loss was thrown up while the rate rose.",
               "Clip the norm of the gradient."),
        "shown": "How much of the gain came after the rate had fallen to half of its peak, and how far the loss was "
                 "thrown "
                 "up.",
        "limits": {"beside": (0.05, "share of the gain by which a run at a lower peak ended better"),
                   "sure": (2.5, "standard errors of that, with what other seeds do to a run"),
                   "alike": (0.6, "share of the recorded runs with such curves whose rate was too high, where no one "
                                  "sign is clear"),
                   "in noise": (0.7, "the same where single losses scatter by more than `noise`: evaluations alone "
                                     "tell less"),
                   "noise": (0.15, "share of the gain by which single losses scatter at the most, for training losses "
                                   "to be heard in that: beyond it evaluations alone are"),
                   "learned": (0.25, "share of its start that an evaluation lost at the least, where only evaluations "
                                     "are heard: what cannot be learned shakes a run at a sound rate, too"),
                   "kept": (0.8, "or share of the gain that evaluations had while the rate was high, by their middle: "
                                 "then what cannot be learned shakes them little"),
                   "held": (0.7, "share of the gain that evaluations had while the rate was high, by their middle: "
                                 "with it their trembling is no harm where single losses scatter by more than `noise`"),
                   "deep": (0.28, "and share of the first evaluation that the later ones lost: with less, a model "
                                  "gained at once and stood still"),
                   "pace": (0.8, "pace of the loss before the rate came down, over that after: with more, nothing held "
                                 "it up"),
                   "least": (0.4, "share of the starting loss that a gain is taken for at the least: where little can "
                                  "be learned, noise alone is a large part of it"),
                   "shaken": (0.12, "share of the gain by which an evaluation strayed from its curve while the rate "
                                    "was high"),
                   "late": (0.25, "share of the gain that came after the rate fell to half of its peak, above what the "
                                  "summed rate left by then would bring"),
                   "stall": (0.2, "share of the gain that the last quarter of the summed rate brought, after a quick "
                                  "start"),
                   "still": (0.7, "times what that quarter brought: what may have been gained between the first tenth "
                                  "and it, its error with it, where the run stood still"),
                   "quick": (0.35, "share of the gain that the first tenth of the summed rate brought: a quick start"),
                   "thrown": (0.15, "height of the throw above the start, as a share of the gain"),
                   "back": (0.08, "share of the run that the loss needs to come back below its start"),
                   "scatter": (0.25, "standard deviation of the logarithm of the first losses beyond which the start "
                                     "and a throw are the middle of nine: batches of a few examples scatter so"),
                   "bursts": (8.0, "single losses above the first ones, of a model whose usual loss is a quarter of "
                                   "them, while the rate was high; a third as dense after it at the most"),
                   "dense": (0.015, "share of the steps at a high rate on which one came"),
                   "even": (0.2, "chance of so many of them while the rate was high if they came at any rate alike, "
                                 "where evaluations trembled as well"),
                   "restless": (0.03, "share of the gain by which evaluations trembled meanwhile, where there are "
                                      "any")},
        "not_it": "A peak that killed part of the model in the first steps may leave a calm curve that settles too "
                  "high: "
                  "one run does not show that, a second one at a quarter of the peak does.",
        "second": "A run of the same plan at a lower peak that ended clearly better raises this finding or bears it "
                  "out, and is named; one at an eighth to a half of the peak that clearly did not refutes what the "
                  "run alone seems to show. Where a run at this peak diverged and a lower one did not, the edge lies "
                  "between.",
    },
    "warm-up too short": {
        "severity": "warning",
        "looks": "Within its first steps at a rate that is high at once, the loss is thrown above where it began, or "
                 "stays "
                 "stuck near it, and needs a good part of the run to recover.",
        "why": "At the start gradients are large and curvature is high; Adam's estimates rest on a few batches. The "
               "same "
               "peak is harmless a few hundred updates later.",
        "do": ("Let the rate rise over a tenth of the run: `warmup(10%) | ...`.", "Or a third of the peak.",
               "Clip the norm of the gradient."),
        "shown": "How far the loss was thrown above its start, how soon the rate was at its peak, and when it was "
                 "back.",
        "limits": {"beside": (0.05, "share of the gain by which a run with a longer warm-up ended better"),
                   "sure": (2.5, "standard errors of that, with what other seeds do to a run"),
                   "jolt": (0.223, "logarithm of the largest of the first losses over the very first: 1.25 times"),
                   "clear": (4.0, "times the scatter of the logarithm that such a jolt measures, at the least"),
                   "alike": (0.4, "share of the recorded runs with such curves whose rate was too high, where no one "
                                  "sign is clear"),
                   "soon": (0.03, "share of the run within which the rate is high: no warm-up to speak of"),
                   "thrown": (0.15, "height of the throw above the start, as a share of the gain")},
        "not_it": "Silence is no proof: where a missing warm-up costs a few per cent, it often leaves no sign. A "
                  "second run with a warm-up tells.",
        "second": "A run at the same peak whose rate rose for longer, and was the same from there on, raises this "
                  "finding where it ended clearly better, and refutes it where it clearly did not.",
    },
    "spikes": {
        "severity": "warning",
        "looks": "Short bursts far above the usual loss, again and again, from which the run recovers; or losses that "
                 "are high once in so many steps, as one broken batch makes them epoch after epoch.",
        "why": "Broken or odd batches (encoding, padding, outliers), or steps at the edge of stability; each one also "
               "leaves a large value in Adam's memory.",
        "do": ("Clip the norm of the gradient at 1.", "Look at the batches of the steps named: skip or mend them.",
               "Where they come with the highest rates alone: a lower peak; with Adam, beta2 of 0.95."),
        "shown": "How many there are, the steps of the largest, and how far they reach.",
        "limits": {"beat": (2.0, "times the noise around it that a value in a rhythm reaches"),
                   "kept": (0.6, "share of the beats of a rhythm that are high: some broken batch is told by luck"),
                   "by luck": (0.01, "chance of any such rhythm, however many are tried, where no batch is broken"),
                   "chance": (0.001, "chance of so many bursts while the rate was high, where it does not make them"),
                   "bursts": (3.0, "single wild batches are part of every training"),
                   "noise": (5.0, "times the noise around it that a burst reaches, in the logarithm of the loss"),
                   "gap": (1.3, "how far the bursts stand apart from the next largest: heavy tails have no gap"),
                   "height": (0.4, "share of the loss around it that a burst reaches above it"),
                   "gain": (0.05, "share of all that the run gained that a burst reaches: below, it is of no account")},
    },
    "overfitting after a drop": {
        "severity": "warning",
        "looks": "The rate falls steeply, the training loss drops at once, and from there on the validation metric "
                 "gets "
                 "worse.",
        "why": "A high rate is noise that keeps a model from learning its examples by heart; with the drop that "
               "noise is "
               "gone, and there is time left.",
        "do": ("End soon after the drop: a short cooldown, then stop.", "More weight decay or dropout before it.",
               "A gentler, later decay does not cure this, but stopping is easier to place with it."),
        "shown": "The step and size of the drop, the best value beside it, and what was lost since.",
        "not_it": "A held-out loss that was lowest in the first half of the way to the drop, and higher ever since, is "
                  "overfitting that no drop began.",
        "limits": {"rise": (0.04, "what is lost after the drop, as a share of the whole gain"),
                   "begun": (0.5, "share of the way to the drop: lowest before that, it had turned long before"),
                   "had": (0.25, "share of the whole rise that was there by the drop: then it had turned, too"),
                   "drop": (3.0, "a fall of the rate by this factor within a twentieth of the run is a drop")},
    },
    "overfitting": {
        "severity": "warning",
        "looks": "The validation metric turns and gets worse while the training loss goes on falling.",
        "why": "The model learns its examples by heart. That is not the learning rate: another one only moves the "
               "turning "
               "point.",
        "do": ("Stop earlier: the same plan on a horizon that ends where the best value was, so that its decay ends "
               "there.",
               "Weight decay three times, then ten times what it is now (decoupled, as in AdamW).",
               "Dropout of 0.1 to 0.3, label smoothing of 0.1, more augmentation, more data."),
        "shown": "The best value and its step, the value at the end, and how far the training loss fell meanwhile.",
        "not_it": "Where both losses rise it is instability: the rate is too high.",
    },
    "oscillation": {
        "severity": "warning",
        "looks": "The loss goes up and down with a cyclic learning rate, and much of what a cycle gains is thrown "
                 "away by "
                 "the next.",
        "why": "Each return to the peak undoes the descent of the last cooldown; a run that does not end in a trough "
               "keeps "
               "none of it.",
        "do": ("One descent instead of many: `warmup(5%) | cosine()` at the same peak.",
               "Or cycles whose peaks decay, and an end in a trough."),
        "shown": "How many times the rate came back, and how far the loss swung with it, as a share of all it gained.",
        "not_it": "A run whose loss swings a little and which ends in a trough keeps what it gained.",
        "limits": {"share": (0.04, "swing from the height of a cycle to its trough, all cycles laid upon each other, "
                             "as a share of the whole gain: as much as a better plan should bring"),
                   "clear": (2.5, "standard errors that the swing must have: it is looked for at the rate's own times "
                             "only, and one good run in three hundred shows as much by chance"),
                   "rise": (0.05, "rise at each return, as a share of the whole gain, where there are only two"),
                   "trough": (0.2, "share of the peak below which a run ends in a trough, and keeps what a cycle "
                              "gained"),
                   "kept": (0.08, "swing that is said of a run which ends in a trough: with smaller ones one descent "
                            "is no better")},
    },
    "LR too low": {
        "severity": "warning",
        "looks": "The loss falls almost in proportion to the learning rate spent, from the first step to the last; or "
                 "it fell quickly at first and then creeps on, with evaluations that hardly tremble and a decay that "
                 "brings no descent of its own.",
        "why": "The steps are too short for the way that has to be gone.",
        "do": ("A peak three to ten times as high; `calando find` looks for it.",
               "Where a higher peak diverges: a longer warm-up, or a longer run."),
        "shown": "How much of the summed rate half of the gain took, what the last quarter still brought, and how "
                 "much the evaluations trembled.",
        "limits": {"beside": (0.05, "share of the gain by which a run at a higher peak ended better"),
                   "sure": (2.5, "standard errors of that, with what other seeds do to a run"),
                   "calm": (70, "times the trembling of an evaluation that an e-fold of the summed rate brought"),
                   "still": (42, "the same where half of the gain was not there at once"),
                   "at once": (0.1, "share of the summed rate within which half of the gain comes at a sound peak"),
                   "eased": (1.8, "what an e-fold of the summed rate brought in the decay, over what it brought "
                                  "before; at a sound peak the decay speeds the descent up two to eight times"),
                   "shakes": (60, "the same, below which a run that calms down with its rate is slow for another "
                                  "reason"),
                   "loud": (36, "the same, below which a slow run is that the decay speeds up, or that saw no decay: "
                                "it waited at a saddle"),
                   "slackened": (0.3, "what an e-fold brought in the decay, over what it brought before: with less, "
                                      "the descent may have come to its end"),
                   "silent": (160, "times the trembling that an e-fold brought at the least, where it had slackened "
                                   "so: sound runs of a sign optimizer, quick once they begin, show 60 to 160"),
                   "even": (0.012, "share of the gain by which single losses scatter at the least, for silence to be a "
                                   "sign: where batches hardly differ, no rate makes noise; such runs at a sound peak "
                                   "show 0.008, recorded ones that are too slow 0.02 and more"),
                   "din": (25, "the same, below which no run crawls that lost much of its start: steps that short "
                               "shake nothing; where a higher peak was better, crawling runs show 38 and more"),
                   "rose": (0.15, "share of the gain by which evaluations rose on the way: such a run was thrown, not "
                                  "slow"),
                   "slope": (0.03, "share of the gain that an e-fold of the summed rate brought"),
                   "half": (0.28, "share of the summed rate that half of the gain took"),
                   "first": (0.48, "share of the gain that the first quarter of the summed rate brought, at the most"),
                   "barely": (0.15, "share of the starting loss: a run that gained less in all, and still falls, "
                                    "crawls"),
                   "scatter": (5.5, "times the scatter of a single loss that such a run gained, at the most"),
                   "late": (0.145, "share of the gain that the last quarter of the summed rate brought"),
                   "grown": (1.6, "times its early scatter that a single loss scatters by at the most, where no "
                                  "evaluations tell: a model that crawls stays as unsure as it was"),
                   "gone": (0.35, "share of the starting loss: a run that gained more in all lost much of it, and a "
                                 "noisy curve of it does not crawl"),
                   "smooth": (0.04, "scatter of a single loss as a share of the gain at the most, where no evaluations "
                                    "tell: so smooth a curve says as much as they do")},
        "not_it": "A long warm-up or a short cooldown alone: progress is counted in summed rate. The other way "
                  "round, a "
                  "rate a few times too low often leaves no sign in one run: the loss falls quickly and settles, only "
                  "higher than it need be. A second run at a higher peak tells.",
        "second": "A run of the same plan at a higher peak that ended clearly better raises this finding or bears it "
                  "out, and is named; one at two to eight times the peak that clearly did not, or diverged, refutes "
                  "it.",
    },
    "horizon too short": {
        "severity": "warning",
        "looks": "The loss is still falling steeply in the last tenth of the run, or smoothly at a rate that is still "
                 "high; or the run ended long before the horizon that its log names, at a high rate.",
        "why": "The run ends in the middle of its descent; or it was cut before its schedule came down.",
        "do": ("Bind the same plan to a longer horizon: lengths in percent stretch with it.",
               "Where the budget is fixed: a higher peak buys some of the same, and a cooldown at the end."),
        "shown": "The share of the whole gain that the last tenth brought, or that the last doubling of the way did.",
        "not_it": "A steep end that the fall of the rate makes: the last fifth of a run may not bring much more than "
                  "its share of the summed rate. A loss that stands still at a high rate: its evaluations tremble by a "
                  "good part of what they still gain, those of a run that was cut off hardly do. Where a short "
                  "run's losses are too noisy to tell, compare it with a longer one.",
        "limits": {"left": (0.9, "share of its own horizon before which a run ended, at a high rate"),
                   "cut": (0.05, "share of the gain that the last two fifths brought, where the rate is still high"),
                   "own": (1.25, "share of the gain of the last fifth over its share of the summed rate, where the "
                                 "rate came down: what brings more is its fall"),
                   "begun": (0.02, "share of the starting loss: a run that gained less in all is not on its way down"),
                   "smooth": (11, "times the trembling of an evaluation that an e-fold of the summed rate brought, "
                                  "where the rate is still high; at a standstill it is below eight"),
                   "doubling": (0.0075, "share of the gain that the last doubling of the summed rate brought there"),
                   "half": (0.1, "share of the gain that the second half brought there, by both losses together; at a "
                                 "standstill it is below that, or in doubt"),
                   "fold": (0.17, "the same of the last e-fold of the summed rate, where the second half is less"),
                   "surely": (3.5, "standard errors by which they tell it"),
                   "deep": (0.12, "share of all that the logarithm fell which the last two fifths brought there: a "
                                  "loss near zero gains little, and may halve yet"),
                   "steady": (3, "times the trembling of an evaluation that an e-fold brought there"),
                   "slack": (0.3, "pace of the second half over that from the first quarter on: a power law keeps to "
                                  "more than that, what settles does not"),
                   "share": (0.05, "share of the gain that the last tenth brought; a power law brings below 0.01")},
    },
    "plateau at high LR": {
        "severity": "warning",
        "looks": "The loss stands still while the rate is still high, and falls as soon as it comes down, if it ever "
                 "does; or it still falls, trembling, at a rate that never comes down.",
        "why": "The noise of the steps balances their progress: what can be reached at this rate is reached.",
        "do": ("Begin the decay where the standstill began, or now: `calando steer RUN cooldown 20%`.",
               "Give the cooldown 20 % of the run, down to zero."),
        "shown": "Where it stood still, and what came after the rate fell.",
        "limits": {"moving": (0.1, "share of its own level by which the loss clearly fell: then it did not stand "
                                    "still"),
                   "shaking": (0.05, "share of the gain by which an evaluation shakes, where the rate never comes "
                                     "down"),
                   "held up": (0.035, "the same of a run that was cut off while its loss still fell"),
                   "wild": (0.33, "the same at the most: what shakes by more has gained nothing to stand still at"),
                   "stretch": (0.15, "share of the run that it stood still"),
                   "gain": (0.02, "share of the whole gain below which nothing moved"),
                   "after": (0.03, "share of the whole gain that the fall of the rate brought, where it did fall"),
                   "unsure": (0.35, "the same at the upper end of its uncertainty"),
                   "slow": (0.105, "share of the whole gain that the second half brought, where the rate never came "
                                  "down")},
    },
    "plateau at low LR": {
        "severity": "note",
        "looks": "The loss stands still for the last third or more of the run, at a rate that is nearly spent.",
        "why": "The rate came down too early; what is left of it moves nothing.",
        "do": ("Keep the rate up for longer: a later first milestone, a gentler factor, or a cosine.",
               "Or end the run where it stopped gaining."),
        "shown": "Since when, and what was gained there.",
        "limits": {"left": (0.1, "share of the summed rate that was left by then: with less, hardly anything moves"),
                   "crept": (0.25, "share of the whole gain that may still have come with it"),
                   "gain": (0.03, "share of the whole gain below which nothing moved"),
                   "stretch": (0.4, "share of the run below a tenth of the peak; a cosine spends 0.2 there, a square "
                                    "0.3")},
    },
    "fitted early": {
        "severity": "note",
        "looks": "The training loss is below a hundredth of its start long before the end.",
        "why": "Everything in the training data is learned.",
        "do": ("A shorter horizon reaches the same.", "Augmentation, dropout or more data give the time a use."),
        "shown": "When it was fitted.",
    },
    "too little data": {
        "severity": "note",
        "looks": "Too few logged values to say anything.",
        "why": "The loss is logged rarely, or the run has just begun.",
        "do": ("Log the training loss at every step: it costs microseconds.",),
        "shown": "How many there are.",
    },
    "healthy": {
        "severity": "good",
        "looks": "The loss falls fast, then slower, and settles as the rate comes down.",
        "why": "Nothing stands out.",
        "do": (),
        "shown": "The loss at the start and at the end.",
        "limits": {
            "late": (0.05, "Share of the run after which the log of a loss begins late. How the run began is not in it "
                     "then, and nothing is said that rests on it: no peak too low or too high by how it began, no "
                     "warm-up, nothing about having learned nothing."),
            "scales": (1.5, "Times the training losses about them that evaluations lie above from the first on, and "
                       "the first above all training losses, where they are on another scale: a sum, a perplexity, a "
                       "loss shared out over micro-batches. What rules learn from both is learned after a division."),
            "steady": (2.5, "times the least of these ratios that the first three are at the most: what falls further "
                       "is no scale, but a perplexity, or evaluations that a high rate threw up"),
            "lower": (0.5, "Times the training losses about them that evaluations stay below, the first three of them "
                      "and in the middle, where the training loss is the one that was added up."),
        },
    },
}  # fmt: skip
