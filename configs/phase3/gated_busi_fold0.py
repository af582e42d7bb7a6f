# configs/phase3/gated.py on BUSI, fold 0, under the name that people type.
_base_ = "./gated.py"
alias = dict(set="busi", fold=0)
