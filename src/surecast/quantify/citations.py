"""How to cite each method: keys used in `Estimate.methods`, references as BibTeX entries."""

from __future__ import annotations

from collections.abc import Iterable

_ENTRIES: dict[str, tuple[str, dict[str, str]]] = {
    "metropolis1949": (
        "article",
        {
            "author": "Metropolis, Nicholas and Ulam, Stanislaw",
            "title": "The {Monte Carlo} Method",
            "journal": "Journal of the American Statistical Association",
            "volume": "44",
            "pages": "335--341",
            "year": "1949",
        },
    ),
    "clopper1934": (
        "article",
        {
            "author": "Clopper, C. J. and Pearson, E. S.",
            "title": "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial",
            "journal": "Biometrika",
            "volume": "26",
            "pages": "404--413",
            "year": "1934",
        },
    ),
    "efron1981": (
        "article",
        {
            "author": "Efron, B. and Stein, C.",
            "title": "The Jackknife Estimate of Variance",
            "journal": "The Annals of Statistics",
            "volume": "9",
            "pages": "586--596",
            "year": "1981",
        },
    ),
    "sobol1967": (
        "article",
        {
            "author": "Sobol', I. M.",
            "title": "On the Distribution of Points in a Cube and the Approximate Evaluation of Integrals",
            "journal": "USSR Computational Mathematics and Mathematical Physics",
            "volume": "7",
            "pages": "86--112",
            "year": "1967",
        },
    ),
    "matousek1998": (
        "article",
        {
            "author": "Matou{\\v{s}}ek, Ji{\\v{r}}{\\'i}",
            "title": "On the {L2}-Discrepancy for Anchored Boxes",
            "journal": "Journal of Complexity",
            "volume": "14",
            "pages": "527--556",
            "year": "1998",
        },
    ),
    "owen1997": (
        "article",
        {
            "author": "Owen, Art B.",
            "title": "Scrambled Net Variance for Integrals of Smooth Functions",
            "journal": "The Annals of Statistics",
            "volume": "25",
            "pages": "1541--1562",
            "year": "1997",
        },
    ),
    "lecuyer2002": (
        "incollection",
        {
            "author": "L'Ecuyer, Pierre and Lemieux, Christiane",
            "title": "Recent Advances in Randomized Quasi-{Monte Carlo} Methods",
            "booktitle": "Modeling Uncertainty",
            "publisher": "Springer",
            "pages": "419--474",
            "year": "2002",
        },
    ),
    "janon2014": (
        "article",
        {
            "author": 'Janon, Alexandre and Klein, Thierry and Lagnoux, Agn{\\`e}s and Nodet, Ma{\\"e}lle and '
            "Prieur, Cl{\\'e}mentine",
            "title": "Asymptotic Normality and Efficiency of Two {Sobol} Index Estimators",
            "journal": "ESAIM: Probability and Statistics",
            "volume": "18",
            "pages": "342--364",
            "year": "2014",
        },
    ),
    "jansen1999": (
        "article",
        {
            "author": "Jansen, Michiel J. W.",
            "title": "Analysis of Variance Designs for Model Output",
            "journal": "Computer Physics Communications",
            "volume": "117",
            "pages": "35--43",
            "year": "1999",
        },
    ),
    "saltelli2010": (
        "article",
        {
            "author": "Saltelli, Andrea and Annoni, Paola and Azzini, Ivano and Campolongo, Francesca and "
            "Ratto, Marco and Tarantola, Stefano",
            "title": "Variance Based Sensitivity Analysis of Model Output. "
            "{Design} and Estimator for the Total Sensitivity Index",
            "journal": "Computer Physics Communications",
            "volume": "181",
            "pages": "259--270",
            "year": "2010",
        },
    ),
    "glynn2002": (
        "incollection",
        {
            "author": "Glynn, Peter W. and Szechtman, Roberto",
            "title": "Some New Perspectives on the Method of Control Variates",
            "booktitle": "Monte Carlo and Quasi-Monte Carlo Methods 2000",
            "publisher": "Springer",
            "pages": "27--49",
            "year": "2002",
        },
    ),
    "blum1999": (
        "inproceedings",
        {
            "author": "Blum, Avrim and Kalai, Adam and Langford, John",
            "title": "Beating the Hold-Out: Bounds for K-fold and Progressive Cross-Validation",
            "booktitle": "Proceedings of the Twelfth Annual Conference on Computational Learning Theory",
            "pages": "203--208",
            "year": "1999",
        },
    ),
    "angelopoulos2023": (
        "article",
        {
            "author": "Angelopoulos, Anastasios N. and Bates, Stephen and Fannjiang, Clara and Jordan, Michael I. and "
            "Zrnic, Tijana",
            "title": "Prediction-Powered Inference",
            "journal": "Science",
            "volume": "382",
            "pages": "669--674",
            "year": "2023",
        },
    ),
    "fay1997": (
        "article",
        {
            "author": "Fay, Michael P. and Feuer, Eric J.",
            "title": "Confidence Intervals for Directly Standardized Rates: A Method Based on the Gamma Distribution",
            "journal": "Statistics in Medicine",
            "volume": "16",
            "pages": "791--801",
            "year": "1997",
        },
    ),
    "zou2008": (
        "article",
        {
            "author": "Zou, Guang Yong and Donner, Allan",
            "title": "Construction of Confidence Limits about Effect Measures: A General Approach",
            "journal": "Statistics in Medicine",
            "volume": "27",
            "pages": "1693--1702",
            "year": "2008",
        },
    ),
    "rubinstein2004": (
        "book",
        {
            "author": "Rubinstein, Reuven Y. and Kroese, Dirk P.",
            "title": "The Cross-Entropy Method",
            "publisher": "Springer",
            "year": "2004",
        },
    ),
    "hesterberg1995": (
        "article",
        {
            "author": "Hesterberg, Tim",
            "title": "Weighted Average Importance Sampling and Defensive Mixture Distributions",
            "journal": "Technometrics",
            "volume": "37",
            "pages": "185--194",
            "year": "1995",
        },
    ),
    "peherstorfer2016": (
        "article",
        {
            "author": "Peherstorfer, Benjamin and Cui, Tiangang and Marzouk, Youssef and Willcox, Karen",
            "title": "Multifidelity Importance Sampling",
            "journal": "Computer Methods in Applied Mechanics and Engineering",
            "volume": "300",
            "pages": "490--509",
            "year": "2016",
        },
    ),
    "elmasri2021": (
        "article",
        {
            "author": "El Masri, Maxime and Morio, J{\\'e}r{\\^o}me and Simatos, Florian",
            "title": "Improvement of the Cross-Entropy Method in High Dimension for Failure Probability Estimation "
            "through a One-Dimensional Projection without Gradient Estimation",
            "journal": "Reliability Engineering and System Safety",
            "volume": "216",
            "pages": "107991",
            "year": "2021",
        },
    ),
    "au2001": (
        "article",
        {
            "author": "Au, Siu-Kui and Beck, James L.",
            "title": "Estimation of Small Failure Probabilities in High Dimensions by Subset Simulation",
            "journal": "Probabilistic Engineering Mechanics",
            "volume": "16",
            "pages": "263--277",
            "year": "2001",
        },
    ),
    "papaioannou2015": (
        "article",
        {
            "author": "Papaioannou, Iason and Betz, Wolfgang and Zwirglmaier, Kilian and Straub, Daniel",
            "title": "{MCMC} Algorithms for Subset Simulation",
            "journal": "Probabilistic Engineering Mechanics",
            "volume": "41",
            "pages": "89--103",
            "year": "2015",
        },
    ),
}


def citation(key: str) -> str:
    """One reference as a BibTeX entry.

    Raises
    ------
    KeyError
        If no reference has this key.
    """
    kind, fields = _ENTRIES[key]
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@{kind}{{{key},\n{body}\n}}"


def reference(key: str) -> str:
    """One reference as a line to read: authors (year), title, where."""
    _, fields = _ENTRIES[key]
    where = fields.get("journal") or fields.get("booktitle") or fields.get("publisher", "")
    volume = f" {fields['volume']}" if "volume" in fields else ""
    pages = f", {fields['pages'].replace('--', '-')}" if "pages" in fields else ""
    authors = _plain(fields["author"]).replace(" and ", "; ")
    return f"{authors} ({fields['year']}). {_plain(fields['title'])}. {_plain(where)}{volume}{pages}."


def citations(keys: Iterable[str]) -> list[str]:
    """BibTeX entries of keys, each once, in the order of first use."""
    return [citation(key) for key in dict.fromkeys(keys)]


_ACCENTS = {"\\v{s}": "š", "\\v{r}": "ř", "\\'i": "í", "\\'e": "é", "\\`e": "è", '\\"e': "ë", "\\^o": "ô"}


def _plain(text: str) -> str:
    for command, letter in _ACCENTS.items():
        text = text.replace("{" + command + "}", letter)
    return text.replace("{", "").replace("}", "")
