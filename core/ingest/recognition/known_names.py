"""The usual names of columns by what they mean, in English, German and Chinese.

They are those of the Battery Data Format, Arbin, Neware (old and new), Maccor, BioLogic, Digatron,
NASA, CALCE and BatteryArchive, without unit and with nothing but letters and digits.
"""

from typing import Literal

Role = Literal[
    "battery",
    "cycle",
    "capacity",
    "pcl",
    "soh",
    "rul",
    "life",
    "nominal",
    "split",
    "direction",
]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# In the order in which two columns of one role are preferred.
ROLE_NAMES: dict[Role, tuple[str, ...]] = {
    "battery": _words(
        "batterycode battery batteryid batteryname batterynumber batteryno cellid cellcode cell "
        "cellname cellnumber cellno barcode serialnumber zelle zellenid zellid zellennummer "
        "zellnummer zellename batterie batterienummer akku 电池编号 电池 电池号 电芯 "
        "电芯编号 电芯号 电池条码 条码 id"
    ),
    "cycle": _words(
        "cycle cyclenum cyclenumber cycleindex cyclecount cycles cycleno cyclenr cycleid cyc "
        "cycc cyclec cyccount totalcycle totalcycles ncycle zyklus zyklusnummer zyklusnr "
        "zykluszahl zyklen zyklenzahl zyklennummer 循环序号 循环号 循环 循环次数 "
        "循环数 循环编号 循环圈数 圈数 周期"
    ),
    "capacity": _words(
        "dischargecapacity cycledischargingcapacity dischargingcapacity dischargecap "
        "capacitydischarge capacitydis capdischarge qdischarge qdis qd dchgcap dchgcapacity "
        "capdchg capacitydchg discap dischcap dchcap dcap ahdchg ahdis dischargedcapacity "
        "dischargecapa entladekapazität entladekapazitat entladekapazitaet entladungskapazität "
        "entladekap kapazitätentladen 放电容量 放电比容量 dischargespecificcapacity "
        "specificdischargecapacity capacity cap specificcapacity kapazität kapazitat kapazitaet "
        "容量 比容量"
    ),
    "pcl": _words(
        "pcl percentagecapacityloss capacityloss capacityfade kapazitätsverlust "
        "kapazitatsverlust 容量损失 容量损失率 容量衰减 容量衰减率"
    ),
    "soh": _words(
        "soh stateofhealth capacityretention retention capretention relativecapacity "
        "normalizedcapacity normalisedcapacity capacitynormalized capacitynormalised "
        "dischargecapacityretention kapazitätserhalt kapazitatserhalt relativekapazität 健康状态 "
        "容量保持率 容量保持"
    ),
    "rul": _words(
        "rul remainingusefullife remainingcycles remaininglife remainingusefulcycles "
        "restlebensdauer restzyklen 剩余寿命 剩余使用寿命 剩余循环次数"
    ),
    "life": _words(
        "cyclelife eolcycle endoflife endoflifecycle eol lifecycles totallife lifetime "
        "zyklenlebensdauer lebensdauer 循环寿命 寿命"
    ),
    "nominal": _words(
        "nominalcapacity ratedcapacity capacitynominal capacityrated nominalcap ratedcap "
        "designcapacity nennkapazität nennkapazitat nennkapazitaet 额定容量 标称容量 设计容量"
    ),
    "split": _words("split grouptag subset partition role"),
    "direction": _words(
        "oxred direction chargedischarge steptype stepname mode type state status richtung "
        "工步类型 状态 工步状态"
    ),
}
CHARGE_CAPACITY = frozenset(
    _words(
        "chargecapacity chargingcapacity cyclechargingcapacity capacitycharge capacitychg "
        "capcharge qcharge qc qch chgcap chgcapacity capchg ccap ahchg ahcha chargecap "
        "ladekapazität ladekapazitat 充电容量 充电比容量"
    )
)
ENERGY = frozenset(
    _words(
        "dischargeenergy dischargingenergy cycledischargingenergy chargeenergy chargingenergy "
        "energy cyclechargingenergy dchgenergy chgenergy engdchg engchg energydischarge "
        "energycharge entladeenergie ladeenergie 放电能量 充电能量 能量"
    )
)
EQUIVALENT_CYCLES = frozenset(
    _words(
        "efc fec fce fullequivalentcycles equivalentfullcycles equivalentcycles fullcycles "
        "äquivalentevollzyklen aquivalentevollzyklen vollzyklen 等效循环次数 等效循环"
    )
)
TIMES = frozenset(
    _words(
        "datapoint rec record index stepindex step stepid stepnumber stepcount testtime steptime "
        "time unixtime datetime date dateofcycle starttime endtime timestamp datum zeit uhrzeit "
        "day row id nr no number channel chan ns elapsedtime totaltime "
        "时间 测试时间 日期 序号 记录序号 工步号 通道 绝对时间"
    )
)
DATES = frozenset(_words("date datetime datum timestamp dateofcycle starttime day 日期 绝对时间"))
VOLTAGES = frozenset(
    _words("voltage v volt volts ewe ecell spannung u terminalvoltage voltagemeasured 电压")
)
CURRENTS = frozenset(_words("current i amps strom currentmeasured 电流"))
# A name that holds one of these words speaks of a label, whatever else it says.
LABEL_WORDS = frozenset(
    _words(
        "capacity capacities cap cycle cycles cyc battery soh rul life nominal retention pcl "
        "kapazität zyklus zyklen"
    )
)
LABEL_PARTS = _words("容量 循环 寿命 电池编号 kapazität lebensdauer zyklen")
