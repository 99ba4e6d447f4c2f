#!/usr/bin/env python3
"""Writes cases.json: detections, and what reference algorithms make of them. Needs numpy; see README.md.

Kept apart from shared/metrics on purpose: COCO's part follows pycocotools' COCOeval call by call (evaluateImg,
accumulate, summarize) with its arrays, VOC's part the loop of voc_eval.py, so that a mistake in one is not in both.
"""

import json
import pathlib

import numpy as np

# ---- COCO: pycocotools.cocoeval.COCOeval, iouType "bbox", useCats 1, areaRng "all", no crowd or ignored truths ----

IOU_THRS = np.linspace(0.5, 0.95, int(np.round((0.95 - 0.5) / 0.05)) + 1, endpoint=True)
REC_THRS = np.linspace(0.0, 1.00, int(np.round((1.00 - 0.0) / 0.01)) + 1, endpoint=True)
MAX_DET = 100


def bb_iou(dts, gts):
    """maskApi.c bbIou on boxes [x, y, w, h]."""
    ious = np.zeros((len(dts), len(gts)))
    for g, gt in enumerate(gts):
        ga = gt[2] * gt[3]
        for d, dt in enumerate(dts):
            da = dt[2] * dt[3]
            w = min(dt[2] + dt[0], gt[2] + gt[0]) - max(dt[0], gt[0])
            if w <= 0:
                continue
            h = min(dt[3] + dt[1], gt[3] + gt[1]) - max(dt[1], gt[1])
            if h <= 0:
                continue
            i = w * h
            ious[d, g] = i / (da + ga - i)
    return ious


def xywh(box):
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def evaluate_img(picture, cat):
    gt = [t for t in picture["truths"] if t["classIndex"] == cat]
    dt = [d for d in picture["detections"] if d["classIndex"] == cat]
    if len(gt) == 0 and len(dt) == 0:
        return None
    dtind = np.argsort([-d["score"] for d in dt], kind="mergesort")
    dt = [dt[i] for i in dtind[0:MAX_DET]]
    ious = bb_iou([xywh(d["box"]) for d in dt], [xywh(g["box"]) for g in gt])
    T, G, D = len(IOU_THRS), len(gt), len(dt)
    gtm = np.zeros((T, G))
    dtm = np.zeros((T, D))
    for tind, t in enumerate(IOU_THRS):
        for dind in range(D):
            iou = min([t, 1 - 1e-10])
            m = -1
            for gind in range(G):
                if gtm[tind, gind] > 0:
                    continue
                if ious[dind, gind] < iou:
                    continue
                iou = ious[dind, gind]
                m = gind
            if m == -1:
                continue
            dtm[tind, dind] = m + 1
            gtm[tind, m] = dind + 1
    return {"dtMatches": dtm, "dtScores": [d["score"] for d in dt], "truths": G}


def coco(pictures, class_count):
    T, R = len(IOU_THRS), len(REC_THRS)
    precision = -np.ones((T, R, class_count))
    truths = [0] * class_count
    for k in range(class_count):
        E = [e for e in (evaluate_img(p, k) for p in pictures) if e is not None]
        npig = sum(e["truths"] for e in E)
        truths[k] = npig
        if len(E) == 0 or npig == 0:
            continue
        dtScores = np.concatenate([e["dtScores"] for e in E])
        inds = np.argsort(-dtScores, kind="mergesort")
        dtm = np.concatenate([e["dtMatches"] for e in E], axis=1)[:, inds]
        tp_sum = np.cumsum(dtm > 0, axis=1).astype(dtype=float)
        fp_sum = np.cumsum(dtm == 0, axis=1).astype(dtype=float)
        for t, (tp, fp) in enumerate(zip(tp_sum, fp_sum)):
            nd = len(tp)
            rc = tp / npig
            pr = tp / (fp + tp + np.spacing(1))
            q = np.zeros((R,))
            pr = pr.tolist()
            q = q.tolist()
            for i in range(nd - 1, 0, -1):
                if pr[i] > pr[i - 1]:
                    pr[i - 1] = pr[i]
            inds = np.searchsorted(rc, REC_THRS, side="left")
            try:
                for ri, pi in enumerate(inds):
                    q[ri] = pr[pi]
            except IndexError:
                pass
            precision[t, :, k] = np.array(q)

    def summarize(s):
        s = s[s > -1]
        return -1.0 if len(s) == 0 else float(np.mean(s))

    def known(value):
        return None if value == -1.0 else value

    return {
        "map": summarize(precision),
        "map50": summarize(precision[0]),
        "map75": summarize(precision[5]),
        "perClass": [
            {
                "ap": known(summarize(precision[:, :, k])),
                "ap50": known(summarize(precision[0, :, k])),
                "ap75": known(summarize(precision[5, :, k])),
                "truths": truths[k],
            }
            for k in range(class_count)
        ],
    }


# ---- VOC: voc_eval.py (R. Girshick), with boxes whose right and bottom lie outside, and an overlap of at least 0.5 ----


def voc_ap(rec, prec, use_07_metric):
    if use_07_metric:
        ap = 0.0
        for t in np.linspace(0, 1, 11):
            p = 0 if np.sum(rec >= t) == 0 else np.max(prec[rec >= t])
            ap = ap + p / 11.0
        return float(ap)
    mrec = np.concatenate(([0.0], rec, [1.0]))
    mpre = np.concatenate(([0.0], prec, [0.0]))
    for i in range(mpre.size - 1, 0, -1):
        mpre[i - 1] = np.maximum(mpre[i - 1], mpre[i])
    i = np.where(mrec[1:] != mrec[:-1])[0]
    return float(np.sum((mrec[i + 1] - mrec[i]) * mpre[i + 1]))


def voc(pictures, class_count):
    per_class = []
    for k in range(class_count):
        recs = {}
        npos = 0
        image_ids, confidence, BB = [], [], []
        for name, p in enumerate(pictures):
            boxes = np.array([t["box"] for t in p["truths"] if t["classIndex"] == k], dtype=float)
            recs[name] = {"bbox": boxes, "det": [False] * len(boxes)}
            npos += len(boxes)
            # Per picture the best first, as a detector writes its results.
            own = sorted((d for d in p["detections"] if d["classIndex"] == k), key=lambda d: -d["score"])
            for d in own:
                image_ids.append(name)
                confidence.append(d["score"])
                BB.append(d["box"])
        if npos == 0:
            per_class.append({"ap11": None, "apAllPoints": None})
            continue
        order = np.argsort(-np.array(confidence), kind="mergesort") if confidence else []
        nd = len(image_ids)
        tp, fp = np.zeros(nd), np.zeros(nd)
        for d, at in enumerate(order):
            R, bb = recs[image_ids[at]], np.array(BB[at], dtype=float)
            ovmax, BBGT = -np.inf, R["bbox"]
            if BBGT.size > 0:
                iw = np.maximum(np.minimum(BBGT[:, 2], bb[2]) - np.maximum(BBGT[:, 0], bb[0]), 0.0)
                ih = np.maximum(np.minimum(BBGT[:, 3], bb[3]) - np.maximum(BBGT[:, 1], bb[1]), 0.0)
                inters = iw * ih
                uni = (
                    (bb[2] - bb[0]) * (bb[3] - bb[1])
                    + (BBGT[:, 2] - BBGT[:, 0]) * (BBGT[:, 3] - BBGT[:, 1])
                    - inters
                )
                overlaps = inters / uni
                ovmax, jmax = np.max(overlaps), int(np.argmax(overlaps))
            if ovmax >= 0.5 and not R["det"][jmax]:
                tp[d] = 1.0
                R["det"][jmax] = True
            else:
                fp[d] = 1.0
        fp, tp = np.cumsum(fp), np.cumsum(tp)
        rec = tp / float(npos)
        prec = tp / np.maximum(tp + fp, np.finfo(np.float64).eps)
        per_class.append({"ap11": voc_ap(rec, prec, True), "apAllPoints": voc_ap(rec, prec, False)})

    def mean(name):
        known = [c[name] for c in per_class if c[name] is not None]
        return float(np.mean(known)) if known else 0.0

    return {"map11": mean("ap11"), "mapAllPoints": mean("apAllPoints"), "perClass": per_class}


# ---- The cases ----


def truth(k, *box):
    return {"classIndex": k, "box": list(box)}


def seen(k, score, *box):
    return {"classIndex": k, "score": score, "box": list(box)}


def random_pictures(seed, count, class_count, crowd, ties):
    """Objects, most of them seen: moved a little, some twice, some under another name; and things that are not there."""
    rng = np.random.default_rng(seed)
    pictures = []
    for _ in range(count):
        truths, detections = [], []
        for _ in range(int(rng.integers(0, crowd + 1))):
            k = int(rng.integers(class_count))
            w, h = rng.uniform(8, 120, 2)
            # In a crowd objects overlap each other, so that which detection takes which truth matters.
            spread = 60 if crowd > 8 else 300
            x, y = rng.uniform(0, spread, 2)
            box = np.round([x, y, x + w, y + h], 2)
            truths.append(truth(k, *box.tolist()))
            for _ in range(int(rng.choice([0, 1, 1, 1, 2]))):
                moved = np.round(box + rng.normal(0, 0.06, 4) * [w, h, w, h], 2)
                if moved[2] <= moved[0] or moved[3] <= moved[1]:
                    continue
                name = k if rng.random() < 0.85 else int(rng.integers(class_count))
                detections.append(seen(name, score(rng, ties), *moved.tolist()))
        for _ in range(int(rng.integers(0, 4))):
            x, y, w, h = rng.uniform(5, 200, 4)
            box = np.round([x, y, x + w, y + h], 2).tolist()
            detections.append(seen(int(rng.integers(class_count)), score(rng, ties) * 0.5, *box))
        order = rng.permutation(len(detections))
        pictures.append({"truths": truths, "detections": [detections[i] for i in order]})
    return pictures


def score(rng, ties):
    value = rng.beta(3, 2)
    return float(np.round(value, 1)) if ties else float(np.round(value, 6))


def many_detections():
    """More than COCO's hundred of one class in one picture; the right one is the 101st by score."""
    false = [seen(0, 0.9 - i * 0.001, 500 + 3 * i, 500, 520 + 3 * i, 520) for i in range(100)]
    return [
        {"truths": [truth(0, 0, 0, 50, 50)], "detections": [*false, seen(0, 0.2, 0, 0, 50, 50)]},
        {"truths": [truth(0, 0, 0, 50, 50)], "detections": [seen(0, 0.5, 1, 0, 50, 50)]},
    ]


CASES = [
    ("a few objects a picture", 5, random_pictures(1, 60, 5, 5, False)),
    ("crowds whose objects overlap", 3, random_pictures(2, 25, 3, 30, False)),
    ("many equal scores", 3, random_pictures(3, 40, 3, 8, True)),
    ("one class", 1, random_pictures(4, 30, 1, 4, False)),
    (
        "a class without truths and one without detections",
        4,
        [
            {
                "truths": [truth(0, 0, 0, 10, 10), truth(2, 20, 20, 40, 40)],
                "detections": [seen(0, 0.9, 0, 0, 10, 10), seen(1, 0.8, 0, 0, 10, 10)],
            },
            {"truths": [], "detections": [seen(1, 0.3, 5, 5, 9, 9), seen(0, 0.95, 5, 5, 9, 9)]},
        ],
    ),
    ("no detections", 2, [{"truths": [truth(0, 0, 0, 10, 10)], "detections": []}]),
    ("overlap of exactly a half", 1, [{"truths": [truth(0, 0, 0, 10, 10)], "detections": [seen(0, 0.9, 0, 0, 10, 5)]}]),
    (
        "equal overlaps with two truths",
        1,
        [
            {
                "truths": [truth(0, 0, 0, 10, 10), truth(0, 4, 0, 14, 10)],
                "detections": [seen(0, 0.9, 2, 0, 12, 10), seen(0, 0.8, 0, 0, 10, 10)],
            }
        ],
    ),
    ("a better fit that is already taken", 1, [
        {
            "truths": [truth(0, 0, 0, 10, 10), truth(0, 3, 0, 13, 10)],
            "detections": [seen(0, 0.9, 0, 0, 10, 10), seen(0, 0.8, 1, 0, 11, 10), seen(0, 0.7, 3, 0, 13, 10)],
        }
    ]),
    ("more than a hundred detections", 1, many_detections()),
]


def main():
    cases = [
        {
            "name": name,
            "classCount": class_count,
            "pictures": pictures,
            "coco": coco(pictures, class_count),
            "voc": voc(pictures, class_count),
        }
        for name, class_count, pictures in CASES
    ]
    path = pathlib.Path(__file__).with_name("cases.json")
    path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    for case in cases:
        print(case["name"], case["coco"]["map"], case["coco"]["map50"], case["voc"]["map11"], case["voc"]["mapAllPoints"])


main()
