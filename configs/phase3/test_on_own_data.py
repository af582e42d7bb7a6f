# A test alone: any folder of images and masks, once tools/dataset_converters/folder.py has converted it.
# python tools/test.py configs/phase3/test_on_own_data.py work_dirs/ultrarefiner_busi_fold0/best.pth
# Converted to another place: --cfg-options test_dataloader.dataset.data_root=FOLDER
_base_ = "./test_on_udiat.py"
data_root = "{{$ULTRAREF_DATA:data}}/own"
test_dataloader = dict(dataset=dict(data_root=data_root))
made_by = {data_root: "python tools/dataset_converters/folder.py SRC " + data_root + " --test-percent 100"}
