# configs/phase1/transunet.py on BUSI, fold 0, under the name that people type.
_base_ = "./transunet.py"
alias = dict(set="busi", fold=0)
